import type { Port } from '../../compose/project-model.ts';
import type { EdgeFrontend, EdgeProtocol, EdgeServerSeen } from '../../edge/edge-config.ts';
import type { HealthAnswers } from '../../edge/health-answer.ts';
import { backendName, serverName } from '../../edge/haproxy-names.ts';
import { hasHealthEndpoint } from '../../edge/render-health.ts';
import type { Actual, Container, EdgeSeen, Network } from '../../state/actual.ts';
import { memoize } from '../../memoize.ts';
import type { Release } from '../../state/release.ts';
import type { EpochMs } from '../../time.ts';
import type { PlanInput } from '../plan-input.ts';

/** Logical name and hash of our edge network. A user's network of that name has another hash. */
export const EDGE_NETWORK = 'edge';
export const EDGE_NETWORK_HASH = 'supercargo-edge';

export const edgeNetwork = ({ networks }: Actual): Network | undefined =>
  networks.find((n) => n.owner?.network === EDGE_NETWORK && n.owner.hash === EDGE_NETWORK_HASH);

/** One edge container, with what its runtime API and its file say. */
export interface EdgePart {
  readonly container: Container;
  readonly instance: string;
  /** `edgeShape` of its file, which lacks ports that were closed since the edge started. */
  readonly shape: string;
  readonly predecessor?: string;
  /** Its restart policy was removed: it ends with its last session, and decides nothing any more. */
  readonly isLeaving: boolean;
  readonly seen: EdgeSeen | undefined;
}

/** Newest first. */
export const edgeParts = memoize(({ containers, edges }: Actual): readonly EdgePart[] =>
  containers
    .filter((container) => container.edge !== undefined && container.state !== 'removing')
    .flatMap((container) => {
      const { edge, detail } = container;
      if (!edge) return [];
      const seen = edges.find((e) => e.instance === edge.instance);
      const shape = seen?.written?.shape ?? edge.shape;
      return [{ container, ...edge, shape, isLeaving: detail?.restart.name === 'no', seen }];
    })
    .toSorted((a, b) => (b.container.detail?.createdAtMs ?? 0) - (a.container.detail?.createdAtMs ?? 0)),
);

/**
 * The edge that takes new connections: the newest that answers. During a replacement both edges do for a
 * moment. An edge without ports, which only proves its image, comes last.
 */
export const currentEdge = memoize((actual: Actual): EdgePart | undefined => {
  const answering = edgeParts(actual).filter(
    (p) => !p.isLeaving && p.seen?.state !== undefined && !p.seen.state.isLeaving,
  );
  return answering.find((p) => !isBare(p)) ?? answering[0];
});

/**
 * What load balancers hear from an edge; undefined if it does not answer them. One whose endpoint was closed
 * still has the map that it started with, which nothing reads any more.
 */
export const answersOf = ({ seen }: EdgePart): HealthAnswers | undefined =>
  seen?.written && hasHealthEndpoint(seen.written) ? seen.state?.answers : undefined;

/** What load balancers hear now; undefined while no edge answers. */
export const answersNow = (actual: Actual): HealthAnswers | undefined => {
  const edge = currentEdge(actual);
  return edge && answersOf(edge);
};

/** Edges that answer and listen. A leaving edge takes no new connections. */
export const boundParts = memoize((actual: Actual): readonly EdgePart[] =>
  edgeParts(actual).filter(({ seen }) => seen?.state?.isLeaving === false && seen.state.frontends.length > 0),
);

/** In a network of its own: the engine publishes its ports, so it cannot hand them over. */
export const isPublished = ({ container }: EdgePart): boolean => container.ports.length > 0;

/**
 * The edge that hands its listeners to the next one: the newest that listens in the host's network. One that
 * is about to leave counts if there is no other.
 */
export const listeningEdge = memoize((actual: Actual): EdgePart | undefined => {
  const bound = boundParts(actual).filter((p) => !isPublished(p));
  return bound.find((p) => !p.isLeaving) ?? bound[0];
});

/** Whether HAProxy failed on its file or a port: after a signal its exit code is 128 or more. */
const hasFailed = ({ container: { detail } }: EdgePart): boolean =>
  detail !== undefined && detail.exitCode > 0 && detail.exitCode < 128;

/** Whether the edge listens, now or in a moment, on ports that are unknown because it does not answer. */
export const mayBind = (part: EdgePart): boolean => {
  const { container, seen } = part;
  if (seen?.state || isBare(part)) return false;
  if (container.state === 'running' || container.state === 'paused') return true;
  return container.state === 'restarting' && !hasFailed(part);
};

/**
 * Whether the edge can never bind, because another edge listens there that is not its predecessor. That
 * happens if the other edge was away when this one was created, and came back.
 */
export const isStranded = (part: EdgePart, actual: Actual): boolean => {
  const holder = listeningEdge(actual);
  if (part.seen?.state || isBare(part) || mayBind(part) || isPublished(part)) return false;
  return holder !== undefined && holder.instance !== part.instance && part.predecessor !== holder.instance;
};

export const isBare = ({ seen }: EdgePart): boolean => seen?.written?.frontends.length === 0;

/** An edge starts within a second. After this time an operator has to act. */
export const ANSWER_MS = 15_000;

/** By then the edge answers, or it never will. */
export const answersBy = ({ container }: EdgePart, { watchingSinceMs }: PlanInput): EpochMs =>
  Math.max(container.detail?.startedAtMs ?? 0, watchingSinceMs) + ANSWER_MS;

/**
 * Whether the edge runs or restarts, but its file or its sockets were removed from the state folder: the
 * agent cannot reach it, or it has no file to start with. An edge without sockets is replaced once. If its
 * replacement has none either, the image is at fault, and an operator has to act.
 */
export const isLost = (part: EdgePart, input: PlanInput): boolean => {
  const { container, seen } = part;
  if (container.state !== 'running' && container.state !== 'restarting') return false;
  if (!seen?.written) return true;
  if (container.state !== 'running' || seen.hasSockets || input.nowMs < answersBy(part, input)) return false;
  const parts = edgeParts(input.actual);
  return !parts.slice(parts.indexOf(part) + 1).some((p) => wasGivenUpFor(part, p));
};

/** Whether the older edge had no sockets, and nothing else was wrong with it. */
const wasGivenUpFor = (part: EdgePart, { container, shape, isLeaving, seen }: EdgePart): boolean =>
  container.imageId === part.container.imageId &&
  shape === part.shape &&
  container.state === 'running' &&
  !isLeaving &&
  seen?.written !== undefined &&
  !seen.hasSockets;

const serversByName = memoize((actual: Actual) =>
  Map.groupBy(currentEdge(actual)?.seen?.state?.servers ?? [], (s) => s.name),
);

/** A container's servers on the current edge. */
export const serversOf = (actual: Actual, containerId: string): readonly EdgeServerSeen[] =>
  serversByName(actual).get(serverName(containerId)) ?? [];

/** Current and queued sessions on all edges, leaving ones too. */
export const sessionsOf = ({ edges }: Actual, containerId: string): number => {
  const name = serverName(containerId);
  let sessions = 0;
  for (const { state } of edges)
    for (const s of state?.servers ?? []) if (s.name === name) sessions += s.sessions;
  return sessions;
};

/** Whether the file of an edge that the engine restarts names the container. */
export const isWritten = (actual: Actual, containerId: string): boolean => {
  const name = serverName(containerId);
  return edgeParts(actual).some(
    (p) => !p.isLeaving && p.seen?.written?.servers.some((s) => s.name === name) === true,
  );
};

/**
 * Whether an edge takes connections and sends them to the container. An edge that does not answer is judged
 * by its file; without a file it counts as sending.
 */
export const isSentTo = (actual: Actual, containerId: string): boolean => {
  const name = serverName(containerId);
  return edgeParts(actual).some(({ container, seen }) => {
    if (container.state !== 'running') return false;
    if (!seen?.state) return seen?.written?.servers.some((s) => s.name === name) ?? true;
    return !seen.state.isLeaving && seen.state.servers.some((s) => s.name === name && s.admin === 'ready');
  });
};

/** Whether an edge takes connections but does not answer, so that its servers are unknown. */
export const isSilent = (actual: Actual): boolean =>
  edgeParts(actual).some(
    (p) => !p.isLeaving && p.container.state === 'running' && !p.seen?.state && !isBare(p),
  );

export interface ReleaseBackend {
  readonly name: string;
  readonly containerPort: number;
  readonly protocol: EdgeProtocol;
}

const switched = (release: Release): readonly Port[] =>
  release.spec.exposure === 'edge'
    ? release.spec.container.ports.filter((p) => p.protocol === 'tcp' && p.hostPort !== undefined)
    : [];

/** One backend per container port. It is `http` only if every port that leads to it declares `http`. */
export const backendsOf = (release: Release): readonly ReleaseBackend[] => {
  const ports = switched(release);
  return [...new Set(ports.map((p) => p.containerPort))].map((containerPort) => ({
    name: backendName(release.service, containerPort),
    containerPort,
    protocol: ports.every((p) => p.containerPort !== containerPort || p.appProtocol === 'http')
      ? 'http'
      : 'tcp',
  }));
};

export const frontendsOf = (release: Release): readonly EdgeFrontend[] => {
  const backends = backendsOf(release);
  return switched(release).map((p) => {
    const backend = backends.find((b) => b.containerPort === p.containerPort);
    return {
      hostAddress: p.hostAddress,
      hostPort: p.hostPort ?? 0,
      protocol: backend?.protocol ?? 'tcp',
      backend: backend?.name ?? '',
    };
  });
};

type FrontendAddress = Pick<EdgeFrontend, 'hostAddress' | 'hostPort'>;

export const sameFrontend = (a: FrontendAddress, b: FrontendAddress): boolean =>
  a.hostAddress === b.hostAddress && a.hostPort === b.hostPort;

/** The container's address on the edge network; empty if it has none. */
export const edgeAddress = (actual: Actual, container: Container): string => {
  const name = edgeNetwork(actual)?.name;
  const endpoint = container.detail?.networks.find((n) => n.network === name);
  return endpoint?.fixedIps?.[0] ?? endpoint?.ip ?? '';
};
