import { quoted, report, spend, type Context, type Reader } from './reader-context.ts';
import { canonicalIp } from './ip.ts';
import type { Port } from './project-model.ts';
import { fields, listOf, present } from './readers.ts';
import { filledText, integer, oneOf, scalar } from './scalars.ts';
import type { Node } from './node.ts';

/** A port and its position in the file. */
export interface WrittenPort {
  readonly port: Port;
  readonly node: Node;
}

type Protocol = Port['protocol'];
type Range = readonly [first: number, last: number];

/** The cost of one port. The allowance of a project admits 262,144 ports. */
const PORT_COST = 64;

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
const FORM = 'write [[ADDRESS:]HOST:]CONTAINER[/udp], for example "127.0.0.1:8080:80", in quotes';

const parseRange = (text: string): Range | undefined => {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  const range: Range = [Number(first), Number(last ?? first)];
  return range[0] >= 1 && range[1] <= 65_535 && range[0] <= range[1] ? range : undefined;
};

const numbers = ([first, last]: Range): number[] =>
  Array.from({ length: last - first + 1 }, (_empty, index) => first + index);

const parseProtocol = (text: string | undefined): Protocol | undefined =>
  PROTOCOLS.find((protocol) => protocol === (text ?? 'tcp').toLowerCase());

const addressOf = (text: string, node: Node, c: Context): string | undefined => {
  const address = canonicalIp(text);
  return (
    address ??
    report(
      c,
      node,
      `${quoted(c, node, text)} is not an address of this host`,
      'write an IPv4 address, or an IPv6 one in brackets',
    )
  );
};

/** Splits `ADDRESS:HOST:CONTAINER`. An IPv6 address may be in brackets: two parts always follow it. */
const splitShort = (text: string): { address: string; host: string; container: string } | undefined => {
  const [, address, host, container] = /^(?:(?:(.*):)?([^:]*):)?([^:]+)$/.exec(text) ?? [];
  return container === undefined ? undefined : { address: address ?? '', host: host ?? '', container };
};

const pairUp = (
  host: Range | undefined,
  container: Range,
  node: Node,
  c: Context,
): [number | undefined, number][] | undefined => {
  if (!spend(c, node, PORT_COST * (container[1] - container[0] + 1))) return undefined;
  if (host === undefined) return numbers(container).map((port) => [undefined, port]);
  if (host[1] - host[0] === container[1] - container[0]) {
    return numbers(container).map((port) => [port - container[0] + host[0], port]);
  }
  const message = 'the host range and the container range have different lengths';
  return report(c, node, message, 'publish as many host ports as container ports, one for each');
};

const shortPorts = (node: Node, c: Context): readonly WrittenPort[] | undefined => {
  const written = filledText(node, c);
  if (written === undefined) return undefined;
  const [ports, suffix, ...rest] = written.split('/');
  const protocol = parseProtocol(suffix);
  const split = splitShort(ports ?? '');
  const container = split && parseRange(split.container);
  const host = split && parseRange(split.host);
  if (!split || !container || !protocol || rest.length > 0 || (host === undefined && split.host !== '')) {
    return report(c, node, `${quoted(c, node, written)} is not a port (1 to 65535)`, FORM);
  }
  const hostAddress = split.address === '' ? '' : addressOf(split.address, node, c);
  if (hostAddress === undefined) return undefined;
  return pairUp(host, container, node, c)?.map(([hostPort, containerPort]) => ({
    node,
    port: { hostAddress, hostPort, containerPort, protocol },
  }));
};

const published: Reader<number> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  const range = parseRange(read.text);
  if (range && range[0] === range[1]) return range[0];
  const advice = range
    ? 'publish one port: with one container port the rest of a range is only a choice'
    : FORM;
  return report(c, node, `${quoted(c, node, read.text)} is not a port (1 to 65535)`, advice);
};

const LONG_KEYS = {
  name: filledText,
  target: integer(1, 65_535),
  published,
  host_ip: filledText,
  protocol: oneOf(...PROTOCOLS),
  app_protocol: filledText,
  mode: oneOf('host', 'ingress'),
};

const longPort = (node: Node, c: Context): readonly WrittenPort[] | undefined => {
  const read = fields(LONG_KEYS)(node, c);
  if (read === undefined || node.kind !== 'map') return undefined;
  if (!node.entries.has('target'))
    return report(c, node, 'has no target', 'add target: the port in the container');
  const hostAddress = read.host_ip === undefined ? '' : addressOf(read.host_ip, node, c);
  if (hostAddress === undefined || read.target === undefined) return undefined;
  const port: Port = {
    hostAddress,
    hostPort: read.published,
    containerPort: read.target,
    protocol: read.protocol ?? 'tcp',
    ...present({ appProtocol: read.app_protocol }),
  };
  return [{ port, node }];
};

const onePort: Reader<readonly WrittenPort[]> = (node, c) =>
  node.kind === 'map' ? longPort(node, c) : shortPorts(node, c);

/** Reads `ports` in short and long syntax into one entry for each port, in the order of the file. */
export const ports: Reader<readonly WrittenPort[]> = (node, c) => listOf(onePort)(node, c)?.flat();

const portKey = (port: Port): string =>
  [port.containerPort, port.protocol, port.hostAddress, port.hostPort ?? '']
    .map((part) => String(part).padStart(5, '0'))
    .join(' ');

/**
 * In an order of their own. That of the file says which port is asked first, but makes no other container.
 */
export const sortedPorts = (written: readonly Port[]): readonly Port[] =>
  written.toSorted((a, b) => (portKey(a) < portKey(b) ? -1 : Number(portKey(a) > portKey(b))));

const exposed: Reader<readonly string[]> = (node, c) => {
  const written = filledText(node, c);
  const [text, suffix, ...rest] = (written ?? '').split('/');
  const range = parseRange(text ?? '');
  const protocol = parseProtocol(suffix);
  if (written === undefined) return undefined;
  if (!range || !protocol || rest.length > 0) {
    return report(
      c,
      node,
      `${quoted(c, node, written)} is not a port (1 to 65535)`,
      'write PORT or PORT/udp',
    );
  }
  if (!spend(c, node, PORT_COST * (range[1] - range[0] + 1))) return undefined;
  return numbers(range).map((port) => `${port}/${protocol}`);
};

export const expose: Reader<readonly string[]> = (node, c) => {
  const all = listOf(exposed)(node, c)?.flat();
  return all && [...new Set(all)].toSorted();
};

const isIpv6 = (address: string): boolean => address.includes(':');

/**
 * Whether two host addresses overlap. The empty address stands for all addresses, `0.0.0.0` and `::` for all
 * addresses of their family.
 */
export const addressesOverlap = (a: string, b: string): boolean => {
  if (a === b || a === '' || b === '') return true;
  return isIpv6(a) === isIpv6(b) && [a, b].some((address) => address === '0.0.0.0' || address === '::');
};
