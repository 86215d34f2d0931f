import { canonicalIp } from '../../compose/ip.ts';
import type { ComposeProject } from '../../compose/project-model.ts';
import { exposureOf } from '../../compose/start-first-checks.ts';
import type { EdgeFrontend } from '../../edge/edge-config.ts';
import { HEALTH_BACKEND } from '../../edge/health-answer.ts';
import type { HostListener, HostPort } from '../../state/actual.ts';
import type { Ledger } from '../../state/ledger.ts';
import { covers, overlaps } from '../host-ports.ts';
import { wait } from '../gate.ts';
import type { EdgeSetting, PlanInput } from '../plan-input.ts';
import type { Decision, TakenPort } from '../host-plan.ts';
import { containerOwner, edgeOwner, listenerOwner, type PortOwner } from '../port-owner-text.ts';
import { isUp } from '../slot.ts';
import { boundParts, edgeParts, listeningEdge, mayBind, sameFrontend } from './edge-view.ts';

/** Owners of the ports that the edge should have; a port in none of these lists is free or its own. */
export interface PortOwners {
  readonly taken: readonly TakenPort[];
  /** Ports that the running edge shares with another environment's edge. Older agents let edges do that. */
  readonly shared: readonly TakenPort[];
  /** Ports that an edge of ours has and cannot hand over; they open once it has left. */
  readonly postponed: readonly EdgeFrontend[];
  /** True if the running edge lacks a port. */
  readonly lacksPort: boolean;
  /** Set if the next observation has to read this host's listeners first. */
  readonly unknown: Extract<Decision, { readonly kind: 'wait' }> | undefined;
}

/**
 * Checks the engine and the host's listeners before an edge starts, because HAProxy does not start at all if
 * one port is taken. If two programs ask for a port at the same time, the kernel decides, and this check
 * finds the winner.
 */
export const portOwners = (input: PlanInput, frontends: readonly EdgeFrontend[]): PortOwners => {
  const judged = frontends.map((frontend) => ({ frontend, ...judgeContainer(input, frontend) }));
  const blocked = (kind: 'taken' | 'shared'): readonly TakenPort[] =>
    judged.flatMap(({ frontend, is, by }) =>
      is === kind && by ? [{ frontend, decision: decisionOf(kind, frontend, by) }] : [],
    );
  const absent = judged.filter(({ is }) => is === 'absent').map(({ frontend }) => withoutAddress(frontend));
  const unknown = judged.find(({ is }) => is === 'unknown')?.frontend;
  return {
    taken: [...blocked('taken'), ...absent],
    shared: blocked('shared'),
    postponed: judged.flatMap(({ frontend, is }) => (is === 'postponed' ? [frontend] : [])),
    lacksPort: judged.some(({ isBound }) => !isBound),
    unknown: unknown && wait('edge', `port ${String(unknown.hostPort)}: the host's listeners are read first`),
  };
};

/** Where load balancers ask. Undefined without SUPERCARGO_HEALTH_LISTEN. */
export const endpointOf = ({ health }: EdgeSetting): EdgeFrontend | undefined =>
  health && {
    hostAddress: health.hostAddress,
    hostPort: health.hostPort,
    protocol: 'http',
    backend: HEALTH_BACKEND,
  };

/** The endpoint's port, if a service behind the edge publishes it too. */
export const endpointClash = (frontends: readonly EdgeFrontend[]): readonly TakenPort[] => {
  const endpoint = frontends.find((f) => f.backend === HEALTH_BACKEND);
  const other = frontends.find((f) => endpoint && f !== endpoint && overlaps(portOf(f), portOf(endpoint)));
  if (!endpoint || !other) return [];
  const service = other.backend.slice(0, other.backend.lastIndexOf(':'));
  return [{ frontend: endpoint, decision: endpointTakenBy(endpoint, service) }];
};

/** Both the service and the operator's setting want the port. */
export const endpointTakenBy = (endpoint: EdgeFrontend, service: string): TakenPort['decision'] =>
  decisionOf('taken', endpoint, { text: `the service ${service}`, advice: OTHER_ENDPOINT });

/** The single addresses of the host at which an edge may have to listen. */
export const edgeHostAddresses = (
  project: ComposeProject,
  { services }: Ledger,
  { health }: Pick<EdgeSetting, 'health'>,
): readonly string[] => {
  const declared = Object.values(project.services).filter((s) => exposureOf(s) === 'edge');
  const good = Object.values(services).flatMap((s) => s.good.map((g) => g.release.spec));
  const ports = [...declared, ...good.filter((s) => s.exposure === 'edge')].flatMap((s) => s.container.ports);
  const addresses = [...ports.map((p) => p.hostAddress), health?.hostAddress ?? ''];
  return [...new Set(addresses.filter((address) => address !== ''))];
};

type Judged = {
  readonly isBound?: true;
  readonly is: 'ours' | 'postponed' | 'unknown' | 'taken' | 'shared' | 'absent';
  readonly by?: PortOwner;
};

const judgeContainer = (input: PlanInput, frontend: EdgeFrontend): Judged => {
  const { actual, edge } = input;
  const wanted = portOf(frontend);
  const bound = boundParts(actual)
    .flatMap((p) => p.seen?.state?.frontends ?? [])
    .map(portOf);
  const heir = listeningEdge(actual)?.seen?.state?.frontends ?? [];
  const hands = edge.mode === 'publish' ? bound.some((o) => covers(o, wanted)) : isIn(heir, frontend);
  if (hands) {
    const by = otherListener(input, frontend);
    return { isBound: true, ...(by ? { is: 'shared', by } : { is: 'ours' }) };
  }
  const holder = actual.containers.find(
    (o) => !o.edge && isUp(o) && o.ports.some((p) => overlaps(wanted, p)),
  );
  if (holder) return { is: 'taken', by: containerOwner(holder, wanted) };
  // An agent that cannot see the host's listeners does not know its addresses either.
  if (actual.listeners?.length !== 0 && actual.absentAddresses?.includes(frontend.hostAddress) === true)
    return { is: 'absent' };
  // The engine holds the port for an edge of ours until that edge has ended.
  const published = edgeParts(actual).flatMap((p) => p.container.ports);
  if (edge.mode === 'host' && published.some((o) => overlaps(o, wanted))) return { is: 'postponed' };
  const isHidden = edgeParts(actual).some(mayBind);
  if (!isHidden && actual.listeners === undefined) return { is: 'unknown' };
  const by = isHidden ? undefined : foreignListener(input, wanted, [...bound, ...published]);
  if (by) return { is: 'taken', by };
  return bound.some((o) => overlaps(o, wanted)) && edge.mode === 'host'
    ? { is: 'postponed' }
    : { is: 'ours' };
};

const foreignListener = (
  { actual }: PlanInput,
  wanted: HostPort,
  own: readonly HostPort[],
): PortOwner | undefined => {
  const { listeners = [] } = actual;
  // An agent that cannot see the host's listeners gets an empty list. Then the labels of other edges count.
  if (listeners.length === 0) return edgeOwner(actual, wanted);
  const listener = listeners.find(
    (l) => overlaps(wanted, listenerPort(l)) && !own.some((o) => covers(o, listenerPort(l))),
  );
  return listener && listenerOwner(actual, wanted, listener.uid);
};

/** The other owner of a shared port: possible if both edges started without `noreuseport`. */
const otherListener = (input: PlanInput, frontend: EdgeFrontend): PortOwner | undefined => {
  const { actual } = input;
  const others = actual.containers.filter(
    (container) => container.otherOwner?.isEdge === true && container.state === 'running',
  );
  const wanted = portOf(frontend);
  const mayShare = others.some(
    ({ otherOwner }) =>
      otherOwner?.edgePorts.length === 0 || otherOwner?.edgePorts.some((p) => overlaps(p, wanted)) === true,
  );
  if (!mayShare || boundParts(actual).length !== 1) return undefined;
  const here = (actual.listeners ?? []).filter((l) => {
    const port = listenerPort(l);
    return port.hostPort === wanted.hostPort && port.hostAddress === wanted.hostAddress;
  });
  const own = wanted.hostAddress === '' && input.edge.hasIpv6 ? 2 : 1;
  return here.length > own ? listenerOwner(actual, wanted, here[0]?.uid ?? 0) : undefined;
};

const isIn = (held: readonly Pick<EdgeFrontend, 'hostAddress' | 'hostPort'>[], f: EdgeFrontend): boolean =>
  held.some((h) => sameFrontend(h, f));

const portOf = ({ hostAddress, hostPort }: Pick<EdgeFrontend, 'hostAddress' | 'hostPort'>): HostPort => ({
  hostAddress,
  hostPort,
  protocol: 'tcp',
});

const listenerPort = (l: HostListener): HostPort => ({
  hostAddress: canonicalIp(l.address) ?? '',
  hostPort: l.port,
  protocol: 'tcp',
});

const withoutAddress = (frontend: EdgeFrontend): TakenPort => ({
  frontend,
  decision: {
    kind: 'blocked',
    reason: 'port',
    message:
      `port ${String(frontend.hostPort)}/tcp cannot be opened at ${frontend.hostAddress}: ` +
      'this host does not have that address',
    advice:
      `correct ${frontend.backend === HEALTH_BACKEND ? 'SUPERCARGO_HEALTH_LISTEN' : 'host_ip in the compose file'}, ` +
      'or give the host this address (see them with: ip address)',
  },
});

const OTHER_ENDPOINT =
  'give one of the two another port: SUPERCARGO_HEALTH_LISTEN names that of load balancers';

const decisionOf = (kind: 'taken' | 'shared', f: EdgeFrontend, by: PortOwner): TakenPort['decision'] => {
  const isEndpoint = f.backend === HEALTH_BACKEND;
  const port = `port ${String(f.hostPort)}/tcp${isEndpoint ? ' of SUPERCARGO_HEALTH_LISTEN' : ''}`;
  const advice = isEndpoint ? OTHER_ENDPOINT : by.advice;
  return kind === 'taken'
    ? { kind: 'blocked', reason: 'port', message: `${port} is taken by ${by.text}`, advice }
    : {
        kind: 'blocked',
        reason: 'port',
        message: `${port} is answered by ${by.text} too: each connection goes to one of the two`,
        advice,
      };
};
