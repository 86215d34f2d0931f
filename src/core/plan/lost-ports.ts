import type { Container, HostPort, Network } from '../state/actual.ts';
import type { Release } from '../state/release.ts';
import { publishedPorts } from './host-ports.ts';
import type { PlanInput } from './plan-input.ts';
import { liveName } from './networks.ts';

/**
 * A host port that a running container should have and does not: another program took it while the container
 * was off its network, and the engine joined the network without it. Only another container gets it back:
 * after such a failure engine 20.10 can neither leave nor join the network. Unknown ⇒ it has its ports: what
 * runs stays.
 */
export const lostPort = (
  input: PlanInput,
  release: Release | undefined,
  container: Container,
): HostPort | undefined => {
  if (!release || container.state !== 'running' || !container.detail) return undefined;
  // Engines write addresses in their own way, so the number and the protocol decide.
  const missing = publishedPorts(release).filter((wanted) =>
    container.ports.every((p) => p.hostPort !== wanted.hostPort || p.protocol !== wanted.protocol),
  );
  if (missing.length === 0) return undefined;
  const networks = publishingNetworks(input, release, container.detail.networks);
  return missing.find((port) => networks.some((network) => canPublish(network, port)));
};

/** Without a proxy an engine publishes a port on an IPv6 address only for IPv6 containers. */
const canPublish = ({ subnets }: Network, { hostAddress }: HostPort): boolean =>
  hostAddress === '' || subnets.some((subnet) => subnet.includes(':') === hostAddress.includes(':'));

/** None if a declared network has yet to be joined, or if one of a driver that may publish nothing is. */
const publishingNetworks = (
  input: PlanInput,
  release: Release,
  endpoints: readonly { readonly network: string }[],
): readonly Network[] => {
  const joined = endpoints.map((e) => e.network);
  const declared = declaredNetworks(input, release);
  if (declared.some((name) => name === undefined || !joined.includes(name))) return [];
  const networks = joined.map((name) => input.actual.networks.find((n) => n.name === name));
  const known = networks.filter((n) => n !== undefined);
  if (known.length < networks.length || known.some((n) => n.publishes === 'unknown')) return [];
  return known.filter((n) => n.publishes === undefined);
};

const declaredNetworks = (input: PlanInput, { spec }: Release): readonly (string | undefined)[] => {
  const mode = spec.container.networkMode;
  return mode.kind === 'networks'
    ? mode.attachments.map(({ network }) => liveName(input, spec.networks, network))
    : [];
};
