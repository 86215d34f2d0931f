import type { Actual } from '../../state/actual.ts';
import type { Action } from '../action.ts';
import type { ServicePlan } from '../host-plan.ts';
import { EDGE_NETWORK, edgeAddress, edgeNetwork } from './edge-view.ts';

const BYTE = 256;

const numberOf = (ip: string): number => ip.split('.').reduce((sum, byte) => sum * BYTE + Number(byte), 0);
const textOf = (n: number): string =>
  [BYTE ** 3, BYTE ** 2, BYTE, 1].map((unit) => String(Math.floor(n / unit) % BYTE)).join('.');

const IPV4 = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/;
/** The network address and the gateway. */
const RESERVED = 2;

/**
 * The next free address of the edge network after the last one given, so that the least recently used goes
 * first. The engine gives the upper half of the subnet. Returns undefined without a network, or if every
 * address is in use.
 */
const freeAddress = (actual: Actual, taken: ReadonlySet<string>): string | undefined => {
  const subnet = edgeNetwork(actual)
    ?.subnets.map((s) => IPV4.exec(s))
    .find((s) => s !== null);
  if (!subnet) return undefined;
  const [, base = '', bits = '24'] = subnet;
  const first = numberOf(base) + RESERVED;
  const count = 2 ** (32 - Number(bits)) / 2 - RESERVED;
  const given = actual.containers
    .map((container) => ({ ip: edgeAddress(actual, container), atMs: container.detail?.createdAtMs ?? 0 }))
    .filter(({ ip }) => ip !== '');
  const named = actual.edges.flatMap((e) => [...(e.state?.servers ?? []), ...(e.written?.servers ?? [])]);
  const used = new Set([...given.map((g) => g.ip), ...named.map((s) => s.address), ...taken]);
  const last = given.toSorted((a, b) => b.atMs - a.atMs || numberOf(b.ip) - numberOf(a.ip))[0];
  const start = last ? (((numberOf(last.ip) - first + 1) % count) + count) % count : 0;
  for (let step = 0; step < count; step += 1) {
    const ip = textOf(first + ((start + step) % count));
    if (!used.has(ip)) return ip;
  }
  return undefined;
};

/**
 * Gives an address to every container that is about to be created on the edge network or connected to it.
 * `reserved`: addresses of creations that are under way and not observed yet.
 */
export const withAddresses = (
  actual: Actual,
  reserved: readonly string[],
  services: readonly ServicePlan[],
): readonly ServicePlan[] => {
  const taken = new Set(reserved);
  const network = edgeNetwork(actual)?.name;
  const next = (): string => {
    const ip = freeAddress(actual, taken) ?? '';
    taken.add(ip);
    return ip;
  };
  const give = (action: Action): Action => {
    if (action.kind === 'create' && action.edge) return { ...action, edge: { ...action.edge, ip: next() } };
    if (action.kind === 'connect' && action.attachment.network === EDGE_NETWORK && action.network === network)
      return { ...action, attachment: { ...action.attachment, ipv4: next() } };
    return action;
  };
  return services.map((s) => {
    if (
      s.decision.kind !== 'act' ||
      s.decision.actions.every((a) => a.kind !== 'create' && a.kind !== 'connect')
    )
      return s;
    const [first, ...rest] = s.decision.actions;
    return { ...s, decision: { ...s.decision, actions: [give(first), ...rest.map(give)] } };
  });
};
