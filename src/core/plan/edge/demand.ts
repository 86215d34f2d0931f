import type { EdgeFrontend } from '../../edge/edge-config.ts';
import { serverName } from '../../edge/haproxy-names.ts';
import type { WrittenServer } from '../../edge/parse-haproxy.ts';
import type { Actual, Container, HostPort } from '../../state/actual.ts';
import type { Release } from '../../state/release.ts';
import type { Goal } from '../goal.ts';
import { isSpent, type ServiceContext } from '../plan-input.ts';
import { isUp, slotsOf, type Slot } from '../slot.ts';
import { isReadyToSwap, letsGo } from '../exclusive-resources.ts';
import { overlaps, publishedPorts } from '../host-ports.ts';
import { isFit, portNeighbour } from '../start-first.ts';
import { leadBefore } from './health-lead.ts';
import {
  backendsOf,
  currentEdge,
  edgeAddress,
  edgeParts,
  frontendsOf,
  sameFrontend,
  serversOf,
} from './edge-view.ts';

/** What one service needs from the edge now. */
export interface EdgeDemand {
  readonly frontends: readonly EdgeFrontend[];
  /** Ports of its old containers with ready successors. Another service may take them, as in a swap. */
  readonly yielding: readonly EdgeFrontend[];
  /** Servers that get connections: an edge that starts now needs them in its file. */
  readonly servers: readonly WrittenServer[];
  readonly drainMs: number;
  /** Its next release is behind the edge: fetch the image and create the network before any stop. */
  readonly isExpected: boolean;
  /** A container has to be stopped for it, so the edge must be seen running before that. */
  readonly isProofNeeded: boolean;
}

type Claims = Pick<EdgeDemand, 'frontends' | 'yielding'>;
const NO_CLAIMS: Claims = { frontends: [], yielding: [] };

/** A container behind the edge, with its frontends and backends there. */
interface Member {
  readonly container: Container;
  readonly frontends: readonly EdgeFrontend[];
  readonly backends: readonly { readonly name: string; readonly port: number }[];
}

type Held = Pick<ServiceContext, 'input' | 'record' | 'own'>;

/** Found by the container's release or, if a lost ledger left none, by the file of the edge. */
const membersOf = ({ input }: Held, container: Container, known: readonly Release[]): readonly Member[] => {
  const { release: id } = container.copyOf ?? container.owner ?? {};
  const release = known.find((r) => r.id === id);
  if (release) {
    const backends = backendsOf(release).map((b) => ({ name: b.name, port: b.containerPort }));
    return backends.length === 0 ? [] : [{ container, frontends: frontendsOf(release), backends }];
  }
  const written = currentEdge(input.actual)?.seen?.written;
  const servers = written?.servers.filter((s) => s.name === serverName(container.id)) ?? [];
  if (!written || servers.length === 0) return [];
  const backends = servers.map((s) => ({ name: s.backend, port: s.port }));
  const frontends = written.frontends.filter((f) => backends.some((b) => b.name === f.backend));
  return [{ container, frontends, backends }];
};

export const demandOf = (c: ServiceContext, goal: Goal): EdgeDemand => {
  const target = goal.kind === 'freeze' ? undefined : goal.target;
  const release = target?.release;
  const isUnfit = (o: Container): boolean => goal.kind === 'forward' && isSpent(c, o);
  const slots = target ? slotsOf(c, target, isUnfit).filter((s) => s.current !== undefined) : [];
  const fit = target ? slots.filter((s) => isFit(c, target, s)) : [];
  const currents = new Set(slots.map((s) => s.current?.id));
  const known = releasesOf(c, goal);
  const members = c.own.flatMap((container) => membersOf(c, container, known));
  const olds = members.filter(({ container }) => !currents.has(container.id) && isUp(container));
  // Ports with no container behind them, or none that is good yet, would only answer 503.
  const isEmpty = c.service.replicas === 0 && olds.length === 0;
  const isEarly =
    goal.kind === 'forward' && olds.length === 0 && fit.length === 0 && !isWrittenFor(c, release);
  const isLed =
    leadBefore(
      c,
      c.own.filter((o) => !currents.has(o.id)),
    ) === undefined;
  const claims = isEmpty || isEarly ? NO_CLAIMS : claimsOf(release, slots, fit, boundBy(c, olds), isLed);
  const isFree = (f: EdgeFrontend): boolean => !isHeldDirectly(c, f);
  const swapped = release ? portsOfSwapper(c, release) : [];
  const isExpected = release?.spec.exposure === 'edge' && c.service.replicas > 0;
  const isCandidate = (o: Container): boolean => currents.has(o.id);
  return {
    frontends: claims.frontends.filter(isFree),
    yielding: claims.yielding.filter(
      (f) => isFree(f) && swapped.every((p) => !overlaps(p, { ...f, protocol: 'tcp' })),
    ),
    servers: members.flatMap((member) =>
      readyServers(c, member, {
        isFit: fit.some((s) => s.current?.id === member.container.id),
        isCandidate: isCandidate(member.container),
        isAlone: olds.every(({ container }) => c.record.drains?.[container.id] !== undefined),
      }),
    ),
    drainMs: c.service.drainMs,
    isExpected,
    isProofNeeded: isExpected && fit.length > 0 && frontendsOf(release).some((f) => !isFree(f)),
  };
};

const releasesOf = (c: ServiceContext, goal: Goal): readonly Release[] => {
  const desired = c.input.desired[c.service.name];
  return [
    ...(desired?.kind === 'release' ? [desired.release] : []),
    ...(goal.kind !== 'freeze' && goal.target?.release ? [goal.target.release] : []),
    ...c.record.good.map((g) => g.release),
  ];
};

/** The demand of a service that left the compose files but stays for now: everything remains as it is. */
export const demandOfHeld = (held: Held, drainMs: number): EdgeDemand => {
  const known = held.record.good.map((g) => g.release);
  const members = held.own.flatMap((container) => membersOf(held, container, known));
  const fitness = { isFit: false, isCandidate: false, isAlone: true };
  return {
    frontends: unique(members.flatMap((p) => p.frontends)),
    servers: members.flatMap((member) => readyServers(held, member, fitness)),
    yielding: [],
    drainMs,
    isExpected: false,
    isProofNeeded: false,
  };
};

/** Old containers keep their ports until every new one is fit, so that a bad release changes nothing. */
const claimsOf = (
  release: Release | undefined,
  slots: readonly Slot[],
  fit: readonly Slot[],
  old: readonly EdgeFrontend[],
  isLed: boolean,
): Claims => {
  if (release?.spec.exposure !== 'edge') {
    // The engine publishes the next release's ports: once its container exists, and load balancers had the
    // lead, the edge lets go.
    return { frontends: release && slots.length > 0 && isLed ? [] : unique(old), yielding: [] };
  }
  const desired = frontendsOf(release);
  const isNext = old.length === 0 || (fit.length > 0 && fit.length === slots.length);
  return isNext
    ? { frontends: unique(desired), yielding: unique(old) }
    : { frontends: unique(old), yielding: [] };
};

/** Whether an edge already has its ports, or comes back with them after a restart. */
const isWrittenFor = ({ input }: ServiceContext, release: Release | undefined): boolean =>
  release !== undefined &&
  frontendsOf(release).some((f) =>
    edgeParts(input.actual).some(({ seen }) =>
      seen?.written?.frontends.some((w) => sameFrontend(w, f) && w.backend === f.backend),
    ),
  );

/** The frontends that old containers have at the edge. Ports that are not open by now stay closed. */
const boundBy = ({ input }: ServiceContext, olds: readonly Member[]): readonly EdgeFrontend[] => {
  const written = currentEdge(input.actual)?.seen?.written?.frontends;
  return olds
    .flatMap((o) => o.frontends)
    .filter(
      (f) => written === undefined || written.some((w) => sameFrontend(w, f) && w.backend === f.backend),
    );
};

/** The ports that a neighbour publishes next, if it holds a port of this release and its successor exists. */
const portsOfSwapper = (c: ServiceContext, release: Release): readonly HostPort[] => {
  const neighbour = portNeighbour(c, release);
  if (neighbour?.service === undefined || !letsGo(c, neighbour) || !isReadyToSwap(c, neighbour)) return [];
  const next = c.input.desired[neighbour.service];
  return next?.kind === 'release' ? publishedPorts(next.release) : [];
};

/** The first frontend of each address and port wins. */
const unique = (frontends: readonly EdgeFrontend[]): readonly EdgeFrontend[] =>
  frontends.filter((f, index) => frontends.findIndex((g) => sameFrontend(f, g)) === index);

/** Whether a container of ours publishes the port itself: an edge beside it would share its traffic. */
const isHeldDirectly = (c: ServiceContext, f: EdgeFrontend): boolean =>
  c.input.actual.containers.some(
    (o) =>
      (o.owner !== undefined || o.id === c.foreign?.container.id) &&
      isUp(o) &&
      o.ports.some((p) => overlaps(p, { ...f, protocol: 'tcp' })),
  );

interface Fitness {
  readonly isFit: boolean;
  readonly isCandidate: boolean;
  /** No old container takes connections beside it. */
  readonly isAlone: boolean;
}

/** If no edge answers, an edge that starts now must know every server in the file of the silent one. */
const isLastKnown = (actual: Actual, container: Container, backend: string): boolean =>
  currentEdge(actual) === undefined &&
  isUp(container) &&
  edgeParts(actual).some(
    ({ isLeaving, seen }) =>
      !isLeaving &&
      seen?.written?.servers.some((s) => s.backend === backend && s.name === serverName(container.id)) ===
        true,
  );

/** The running edge says which servers are ready; backends that it lacks are filled from the containers. */
const readyServers = (
  c: Held,
  { container, backends }: Member,
  fitness: Fitness,
): readonly WrittenServer[] => {
  const { actual } = c.input;
  const edge = currentEdge(actual);
  const known = edge?.seen?.written?.frontends ?? [];
  const address = edgeAddress(actual, container);
  if (address === '') return [];
  const isDrained = c.record.drains?.[container.id] !== undefined;
  const isMeant = fitness.isCandidate ? fitness.isFit : isUp(container) && !isDrained;
  return backends.flatMap((b) => {
    const isKnown = known.some((f) => f.backend === b.name);
    const seen = serversOf(actual, container.id).find((s) => s.backend === b.name);
    const isReady = isKnown
      ? seen?.admin === 'ready'
      : isLastKnown(actual, container, b.name) ||
        (isMeant && (edge !== undefined || fitness.isAlone || !fitness.isCandidate));
    return isReady
      ? [
          {
            backend: b.name,
            name: serverName(container.id),
            address,
            port: b.port,
            state: 'ready' as const,
          },
        ]
      : [];
  });
};
