import type { Port } from '../../compose/project-model.ts';
import type { EdgeFrontend, EdgeProtocol, EdgeServerSeen } from '../../edge/edge-config.ts';
import { backendName, serverName } from '../../edge/haproxy-names.ts';
import type { Actual, Container, EdgeSeen, Network } from '../../state/actual.ts';
import { memoize } from '../../memoize.ts';
import type { Release } from '../../state/release.ts';
import type { EpochMs } from '../../time.ts';
import type { PlanInput } from '../plan-input.ts';

/**
 * Logical name and definition of the network that is ours; a user's network of that name has another hash.
 */
export const EDGE_NETWORK = 'edge';
export const EDGE_NETWORK_HASH = 'supercargo-edge';

export const edgeNetwork = ({ networks }: Actual): Network | undefined =>
  networks.find((n) => n.owner?.network === EDGE_NETWORK && n.owner.hash === EDGE_NETWORK_HASH);

/** One container of an edge, with what it says. */
export interface EdgePart {
  readonly container: Container;
  readonly instance: string;
  readonly shape: string;
  readonly predecessor?: string;
  /**
   * Its restart policy was taken away: it ends when its last session is over, and nothing is decided by it
   * any more.
   */
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
      return [{ container, ...edge, isLeaving: detail?.restart.name === 'no', seen }];
    })
    .toSorted((a, b) => (b.container.detail?.createdAtMs ?? 0) - (a.container.detail?.createdAtMs ?? 0)),
);

/**
 * The edge that takes new connections: the newest that answers. Where one replaces another, both do for a
 * moment. One without ports, which only shows that its image is good, comes last.
 */
export const currentEdge = memoize((actual: Actual): EdgePart | undefined => {
  const answering = edgeParts(actual).filter(
    (p) => !p.isLeaving && p.seen?.state !== undefined && !p.seen.state.isLeaving,
  );
  return answering.find((p) => !isBare(p)) ?? answering[0];
});

/** Those that answer and listen: one that leaves takes nothing new any more. */
export const boundParts = memoize((actual: Actual): readonly EdgePart[] =>
  edgeParts(actual).filter(({ seen }) => seen?.state?.isLeaving === false && seen.state.frontends.length > 0),
);

/** In a network of its own: the engine publishes its ports, and it cannot hand them over. */
export const isPublished = ({ container }: EdgePart): boolean => container.ports.length > 0;

/**
 * The edge that hands its listeners to the next one: the newest that listens in the host's network, be it
 * about to leave.
 */
export const listeningEdge = memoize((actual: Actual): EdgePart | undefined => {
  const bound = boundParts(actual).filter((p) => !isPublished(p));
  return bound.find((p) => !p.isLeaving) ?? bound[0];
});

/** Of HAProxy that did not start: its file, or one of its ports. By a signal it ends with more. */
const hasFailed = ({ container: { detail } }: EdgePart): boolean =>
  detail !== undefined && detail.exitCode > 0 && detail.exitCode < 128;

/** It listens, or will in a moment, and nothing says where. */
export const mayBind = (part: EdgePart): boolean => {
  const { container, seen } = part;
  if (seen?.state || isBare(part)) return false;
  if (container.state === 'running' || container.state === 'paused') return true;
  return container.state === 'restarting' && !hasFailed(part);
};

/**
 * It can never bind: an edge that it was not made to follow listens where it should. That happens where the
 * one before was away when it was made, and came back.
 */
export const isStranded = (part: EdgePart, actual: Actual): boolean => {
  const holder = listeningEdge(actual);
  if (part.seen?.state || isBare(part) || mayBind(part) || isPublished(part)) return false;
  return holder !== undefined && holder.instance !== part.instance && part.predecessor !== holder.instance;
};

export const isBare = ({ seen }: EdgePart): boolean => seen?.written?.frontends.length === 0;

/** It starts within a second; after this long somebody has to look. */
export const ANSWER_MS = 15_000;

/** By then it answers, or never will. */
export const answersBy = ({ container }: EdgePart, { watchingSinceMs }: PlanInput): EpochMs =>
  Math.max(container.detail?.startedAtMs ?? 0, watchingSinceMs) + ANSWER_MS;

/**
 * It runs or is started again and again, but its file or its sockets were removed from the state folder:
 * nobody can write or ask any more, or it has nothing to start with. One without sockets is given up once,
 * for another: where that one has none either, it is the image, and somebody has to look.
 */
export const isLost = (part: EdgePart, input: PlanInput): boolean => {
  const { container, seen } = part;
  if (container.state !== 'running' && container.state !== 'restarting') return false;
  if (!seen?.written) return true;
  if (container.state !== 'running' || seen.hasSockets || input.nowMs < answersBy(part, input)) return false;
  const parts = edgeParts(input.actual);
  return !parts.slice(parts.indexOf(part) + 1).some((p) => wasGivenUpFor(part, p));
};

/** The other had no sockets, and nothing else was wrong with it. */
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

/** A container's servers as the current edge has them. */
export const serversOf = (actual: Actual, containerId: string): readonly EdgeServerSeen[] =>
  serversByName(actual).get(serverName(containerId)) ?? [];

/** In every edge, leaving ones too; current and queued. */
export const sessionsOf = ({ edges }: Actual, containerId: string): number => {
  const name = serverName(containerId);
  let sessions = 0;
  for (const { state } of edges)
    for (const s of state?.servers ?? []) if (s.name === name) sessions += s.sessions;
  return sessions;
};

/** The file of an edge that comes back by itself sends to it. */
export const isWritten = (actual: Actual, containerId: string): boolean => {
  const name = serverName(containerId);
  return edgeParts(actual).some(
    (p) => !p.isLeaving && p.seen?.written?.servers.some((s) => s.name === name) === true,
  );
};

/**
 * An edge takes connections, and sends them to it. One that can't be asked goes by its file; unknown ⇒ it
 * does.
 */
export const isSentTo = (actual: Actual, containerId: string): boolean => {
  const name = serverName(containerId);
  return edgeParts(actual).some(({ container, seen }) => {
    if (container.state !== 'running') return false;
    if (!seen?.state) return seen?.written?.servers.some((s) => s.name === name) ?? true;
    return !seen.state.isLeaving && seen.state.servers.some((s) => s.name === name && s.admin === 'ready');
  });
};

/** An edge that takes connections and can't be asked: whom it sends to is unknown. */
export const isSilent = (actual: Actual): boolean =>
  edgeParts(actual).some(
    (p) => !p.isLeaving && p.container.state === 'running' && !p.seen?.state && !isBare(p),
  );

export interface EdgeBackendPlace {
  readonly name: string;
  readonly containerPort: number;
  readonly protocol: EdgeProtocol;
}

const switched = (release: Release): readonly Port[] =>
  release.spec.exposure === 'edge'
    ? release.spec.container.ports.filter((p) => p.protocol === 'tcp' && p.hostPort !== undefined)
    : [];

/** One backend per container port; request by request only where every port that leads to it says so. */
export const backendsOf = (release: Release): readonly EdgeBackendPlace[] => {
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

type Place = Pick<EdgeFrontend, 'hostAddress' | 'hostPort'>;

export const sameFrontend = (a: Place, b: Place): boolean =>
  a.hostAddress === b.hostAddress && a.hostPort === b.hostPort;

/** Its address on the edge network. Empty: it has none. */
export const edgeAddress = (actual: Actual, container: Container): string => {
  const name = edgeNetwork(actual)?.name;
  const endpoint = container.detail?.networks.find((n) => n.network === name);
  return endpoint?.fixedIp ?? endpoint?.ip ?? '';
};
