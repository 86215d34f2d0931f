import { isLiteral, isName, nodeAt, quoted, report, type Context, type Reader } from './reader-context.ts';
import { canonicalIpv6, isInSubnet, isIpv4 } from './ip.ts';
import type { Attachment, NetworkDefinition } from './project-model.ts';
import { fields, listOf, mapOf, present, setOf } from './readers.ts';
import { filledText, integer, text, textLike } from './scalars.ts';
import type { Node } from './node.ts';

const ipv4: Reader<string> = (node, c) => {
  const address = text(node, c);
  return address === undefined || isIpv4(address)
    ? address
    : report(c, node, `${quoted(c, node, address)} is not an IPv4 address`, 'write it like 172.30.0.10');
};

const ipv6: Reader<string> = (node, c) => {
  const address = text(node, c);
  if (address === undefined) return undefined;
  return (
    canonicalIpv6(address) ??
    report(c, node, `${quoted(c, node, address)} is not an IPv6 address`, 'write it like 2001:db8::10')
  );
};

const anyIp: Reader<string> = (node, c) => {
  const address = text(node, c);
  if (address === undefined) return undefined;
  const ip = isIpv4(address) ? address : canonicalIpv6(address);
  return (
    ip ?? report(c, node, `${quoted(c, node, address)} is not an address`, 'write an IPv4 or IPv6 address')
  );
};

const mac = textLike(
  /^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}$/,
  'a MAC address',
  'write it like 02:42:ac:11:65:43, in quotes',
);

const ATTACHMENT_KEYS = {
  aliases: setOf(filledText),
  ipv4_address: ipv4,
  ipv6_address: ipv6,
  link_local_ips: listOf(anyIp),
  mac_address: mac,
  priority: integer(-1_000_000, 1_000_000),
};
const UNSUPPORTED = {
  gw_priority: 'remove it: the engine chooses the network of the default route, never an internal one',
  interface_name: 'remove it: the engine names the interfaces',
  driver_opts: 'set driver_opts on the network at the top level',
};

const isDefined = (name: string, node: Node, c: Context, isKey = false): boolean => {
  if (name === 'default' || c.defined.networks.has(name)) return true;
  const isShown = isKey ? isName(name) : isLiteral(node);
  report(
    c,
    node,
    `network ${isShown ? `"${name}"` : quoted(c, node, name)} is not defined`,
    `add ${isShown ? `"${name}:"` : 'it'} below networks: at the top level`,
  );
  return false;
};

const plain = (network: string): Attachment => ({ network, aliases: [] });

const fromList: Reader<Attachment> = (node, c) => {
  const name = filledText(node, c);
  return name !== undefined && isDefined(name, node, c) ? plain(name) : undefined;
};

type Pools = NonNullable<NetworkDefinition['ipam']>['config'];

const inSubnets = (address: string | undefined, node: Node, c: Context, pools: Pools): void => {
  const subnets = pools.flatMap(({ subnet }) => subnet ?? []);
  if (address === undefined || subnets.some((subnet) => isInSubnet(address, subnet))) return;
  report(
    c,
    node,
    `${quoted(c, node, address)} is in no subnet of the network`,
    'write an address of one of its subnets',
  );
};

const fromMap = (node: Node, c: Context, name: string): Attachment | undefined => {
  if (!isDefined(name, node, c, true)) return undefined;
  if (node.kind === 'scalar' && node.value === null) return plain(name);
  const read = fields(ATTACHMENT_KEYS, UNSUPPORTED)(node, c);
  if (read === undefined) return undefined;
  const linkLocalIps = read.link_local_ips?.length === 0 ? undefined : read.link_local_ips;
  const priority = read.priority === 0 ? undefined : read.priority;
  const { ipv4_address: fixed4, ipv6_address: fixed6, mac_address: macAddress } = read;
  const definition = c.defined.networks.get(name);
  if (
    (fixed4 ?? fixed6) !== undefined &&
    definition?.external !== true &&
    !definition?.ipam?.config.some((pool) => pool.subnet)
  ) {
    report(
      c,
      node,
      'a fixed address needs a network with a subnet',
      `add ipam: {config: [{subnet: …}]} to network "${name}"`,
    );
  } else if (definition?.ipam) {
    inSubnets(fixed4, nodeAt(node, 'ipv4_address'), c, definition.ipam.config);
    inSubnets(fixed6, nodeAt(node, 'ipv6_address'), c, definition.ipam.config);
  }
  const addresses = present({
    ipv4: fixed4,
    ipv6: fixed6,
    linkLocalIps,
    macAddress: macAddress?.toLowerCase(),
    priority,
  });
  return { network: name, aliases: read.aliases ?? [], ...addresses };
};

const compare = (a: Attachment, b: Attachment): number =>
  (b.priority ?? 0) - (a.priority ?? 0) || (a.network < b.network ? -1 : 1);

/**
 * `networks` of a service, the primary network first. The engine adapter adds the service's name as an alias.
 */
export const attachments: Reader<readonly Attachment[]> = (node, c) => {
  const all =
    node.kind === 'map' ? [...(mapOf(fromMap)(node, c)?.values() ?? [])] : listOf(fromList)(node, c);
  if (all === undefined) return undefined;
  const unique = new Map(all.map((attachment) => [attachment.network, attachment]));
  if (unique.size < all.length) report(c, node, 'a network is named twice', 'keep one of the two');
  return [...unique.values()].toSorted(compare);
};

export const networkMode: Reader<string> = (node, c) => {
  const mode = filledText(node, c);
  if (mode === undefined || /^(?:host|none|bridge|container:[a-zA-Z0-9][a-zA-Z0-9_.-]*)$/.test(mode))
    return mode;
  const advice = mode.startsWith('service:')
    ? 'give that service a container_name, and write container: and that name'
    : 'write host, none, bridge or container:NAME';
  return report(c, node, `network_mode ${quoted(c, node, mode)} is not supported`, advice);
};
