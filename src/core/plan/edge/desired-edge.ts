import type { EdgeBackend, EdgeConfig, EdgeFrontend } from '../../edge/edge-config.ts';
import { HEALTH_BACKEND } from '../../edge/health-answer.ts';
import { overlaps } from '../host-ports.ts';
import type { PlanInput } from '../plan-input.ts';
import { portOwners, type PortOwners } from './port-availability.ts';
import type { EdgeDemand } from './demand.ts';
import { currentEdge, sameFrontend } from './edge-view.ts';
import { checkedPorts } from './health-endpoint.ts';

export type DesiredConfig = Omit<EdgeConfig, 'instance'>;

export interface DesiredEdge {
  /** Only available ports: an edge with one port that another program has would not start at all. */
  readonly config: DesiredConfig;
  readonly owners: PortOwners;
}

/** The edge that all services together need, as far as its ports are available. */
export const desiredEdge = (input: PlanInput, demands: readonly EdgeDemand[]): DesiredEdge => {
  const before = currentEdge(input.actual)?.seen?.written?.frontends ?? [];
  const all = demands.flatMap((s) => s.frontends);
  // A port that moves between services stays with the first service until that one lets go.
  const kept = all.filter((f) => before.some((b) => sameFrontend(b, f) && b.backend === f.backend));
  const desired = unique([...kept, ...all]);
  const yielding = unique(demands.flatMap((s) => s.yielding)).filter((f) => !isIn(desired, f));
  const owners = portOwners(input, desired);
  const weak = portOwners(input, yielding);
  const isTaken = (f: EdgeFrontend): boolean =>
    [...owners.taken, ...weak.taken].some((t) => t.frontend === f);
  const free = desired.filter((f) => !isTaken(f));
  const open = free.filter((f) => !owners.postponed.includes(f)).reduce(withoutClash, []);
  const rest = yielding.filter((f) => !isTaken(f) && free.every((w) => !clashes(w, f)));
  return { config: configOf(input, demands, [...open, ...rest]), owners };
};

/** One port on one address and on every address: the kernel lets no two sockets listen there. */
export const clashes = (a: EdgeFrontend, b: EdgeFrontend): boolean =>
  !sameFrontend(a, b) && overlaps({ ...a, protocol: 'tcp' }, { ...b, protocol: 'tcp' });

const withoutClash = (list: readonly EdgeFrontend[], f: EdgeFrontend): readonly EdgeFrontend[] =>
  list.some((other) => clashes(other, f)) ? list : [...list, f];

const isIn = (list: readonly EdgeFrontend[], f: EdgeFrontend): boolean =>
  list.some((g) => sameFrontend(f, g));

/** The first frontend of each address and port wins. */
const unique = (list: readonly EdgeFrontend[]): readonly EdgeFrontend[] =>
  list.filter((f, index) => list.findIndex((g) => sameFrontend(f, g)) === index);

const isEndpointOpen = (frontends: readonly EdgeFrontend[]): boolean =>
  frontends.some((f) => f.backend === HEALTH_BACKEND);

const configOf = (
  input: PlanInput,
  demands: readonly EdgeDemand[],
  frontends: readonly EdgeFrontend[],
): DesiredConfig => {
  const servers = demands.flatMap((s) => s.servers);
  const isHttp = (name: string): boolean =>
    frontends.every((f) => f.backend !== name || f.protocol === 'http');
  const protocolOf = (f: EdgeFrontend) => (isHttp(f.backend) ? ('http' as const) : ('tcp' as const));
  const backends = [...new Map(frontends.map((f) => [f.backend, protocolOf(f)]))].map(
    ([name, protocol]): EdgeBackend => ({
      name,
      protocol,
      servers: servers
        .filter((s) => s.backend === name)
        .map(({ name: server, address, port, state }) => ({ name: server, address, port, state })),
    }),
  );
  return {
    environment: input.environment,
    mode: input.edge.mode,
    agentUid: input.edge.agentUid,
    hasIpv6: input.edge.hasIpv6,
    trustedProxies: input.edge.trustedProxies,
    frontends: frontends.map((f) => ({ ...f, protocol: protocolOf(f) })),
    backends,
    longestDrainMs: Math.max(0, ...demands.map((s) => s.drainMs)),
    checks: isEndpointOpen(frontends) ? checkedPorts(input) : [],
  };
};
