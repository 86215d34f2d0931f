import {
  hint,
  isName,
  nodeAt,
  quoted,
  report,
  type Context,
  type FileSource,
  type Reader,
} from './reader-context.ts';
import { isUnusable, labels, pathText } from './container-environment.ts';
import { canonicalIp, canonicalSubnet, isInSubnet } from './ip.ts';
import { DEFAULT_NETWORK, type NetworkDefinition, type VolumeDefinition } from './project-model.ts';
import { hostFile } from './host-paths.ts';
import { fields, listOf, mapOf, present, textMap, toRecord } from './readers.ts';
import { bool, filledText, text, textLike } from './scalars.ts';
import type { MapNode, Node } from './node.ts';
import { NAME } from '../docker-names.ts';

const ENGINE_NAME = textLike(NAME, 'a name for the engine', 'use letters, digits, "_", "." and "-"');

const external: Reader<boolean> = (node, c) =>
  node.kind === 'map'
    ? report(c, node, 'external is true or false', 'write external: true and name: NAME beside it')
    : bool(node, c);

const parsed =
  (read: (text: string) => string | undefined, form: string, example: string): Reader<string> =>
  (node, c) => {
    const written = filledText(node, c);
    if (written === undefined) return undefined;
    return (
      read(written) ??
      report(c, node, `${quoted(c, node, written)} is not ${form}`, `write it like ${example}`)
    );
  };

const address = parsed(canonicalIp, 'an address', '172.30.0.1');
const subnet = parsed(canonicalSubnet, 'a subnet', '172.30.0.0/16');

const auxAddresses: Reader<Readonly<Record<string, string>>> = (node, c) => {
  const map = mapOf(address)(node, c);
  return map && toRecord(map);
};

const POOL_KEYS = { subnet, ip_range: subnet, gateway: address, aux_addresses: auxAddresses };

const pool: Reader<NonNullable<NetworkDefinition['ipam']>['config'][number]> = (node, c) => {
  const read = fields(POOL_KEYS)(node, c);
  if (read === undefined) return undefined;
  if (node.kind === 'map' && !node.entries.has('subnet'))
    report(c, node, 'has no subnet', 'add subnet: 172.30.0.0/16');
  const { subnet: whole } = read;
  const parts = [
    [read.ip_range, ['ip_range']],
    [read.gateway, ['gateway']],
    ...Object.entries(read.aux_addresses ?? {}).map(
      ([key, value]) => [value, ['aux_addresses', key]] as const,
    ),
  ] as const;
  for (const [part, keys] of parts) {
    if (whole === undefined || part === undefined || isInSubnet(part, whole)) continue;
    const at = nodeAt(node, ...keys);
    report(
      c,
      at,
      `${quoted(c, at, part)} is not in the subnet`,
      `write one of ${quoted(c, nodeAt(node, 'subnet'), whole)}`,
    );
  }
  return present({
    subnet: read.subnet,
    ipRange: read.ip_range,
    gateway: read.gateway,
    auxAddresses: read.aux_addresses,
  });
};

const ipam = fields({ driver: filledText, config: listOf(pool) }, { options: 'remove it: use driver_opts' });

const NETWORK_KEYS = {
  driver: filledText,
  driver_opts: textMap,
  ipam,
  internal: bool,
  attachable: bool,
  enable_ipv6: bool,
  labels,
  external,
  name: ENGINE_NAME,
};
const NETWORK_UNSUPPORTED = { enable_ipv4: 'remove it: every network has IPv4' };

/** The owner of an external network or volume decides everything but the name. */
const reportExternal = (node: MapNode, c: Context): void => {
  for (const [key, { value, keyPlace }] of node.entries) {
    if (key === 'external' || key === 'name' || key.startsWith('x-')) continue;
    report(
      c,
      { place: keyPlace, path: value.path },
      `${isName(key) ? `"${key}"` : 'a key'} is not allowed on an external network or volume`,
      'remove it: its owner decides that',
    );
  }
};

const isNull = (node: Node): boolean => node.kind === 'scalar' && node.value === null;

export const network = (node: Node, c: Context, name: string): NetworkDefinition | undefined => {
  if (isNull(node)) return DEFAULT_NETWORK;
  const read = fields(NETWORK_KEYS, NETWORK_UNSUPPORTED)(node, c);
  if (read === undefined || node.kind !== 'map') return undefined;
  if (read.external === true) reportExternal(node, c);
  const pools = read.ipam?.config ?? [];
  const hasIpam = read.ipam?.driver !== undefined || pools.length > 0;
  return {
    fixedName: read.name ?? (read.external === true ? name : undefined),
    external: read.external ?? false,
    driverOptions: read.driver_opts ?? {},
    internal: read.internal ?? false,
    attachable: read.attachable ?? false,
    enableIpv6: read.enable_ipv6 ?? false,
    labels: read.labels ?? {},
    ...present({ driver: read.driver }),
    ...(hasIpam ? { ipam: { config: pools, ...present({ driver: read.ipam?.driver }) } } : {}),
  };
};

const VOLUME_KEYS = { driver: filledText, driver_opts: textMap, labels, external, name: ENGINE_NAME };

export const volume = (node: Node, c: Context, name: string): VolumeDefinition | undefined => {
  if (isNull(node)) return { fixedName: undefined, external: false, driverOptions: {}, labels: {} };
  const read = fields(VOLUME_KEYS)(node, c);
  if (read === undefined || node.kind !== 'map') return undefined;
  if (read.external === true) reportExternal(node, c);
  return {
    fixedName: read.name ?? (read.external === true ? name : undefined),
    external: read.external ?? false,
    driverOptions: read.driver_opts ?? {},
    labels: read.labels ?? {},
    ...present({ driver: read.driver }),
  };
};

const FILE_ADVICE = 'write file: PATH, and let Chef put the content there';
const SOURCE_UNSUPPORTED = Object.fromEntries(
  ['external', 'driver', 'driver_opts', 'template_driver', 'labels'].map((key) => [key, FILE_ADVICE]),
);
const SOURCE_KEYS = { file: hostFile, environment: filledText, content: text, name: filledText };
const SOURCES = ['file', 'environment', 'content'] as const;

const variableText = (name: string, node: Node, c: Context): FileSource | undefined => {
  const content = c.variables.get(name);
  return content === undefined
    ? report(
        c,
        node,
        `variable ${name} is not set`,
        'set it in .env beside compose.yaml, or write file: PATH',
      )
    : { kind: 'text', content };
};

/**
 * A secret or config from a file, a variable or, for a config, the text itself. Its name, which `docker
 * compose config` writes, means something only in a swarm. If the agent may not read the file, a change of
 * its content stays unnoticed and the containers keep running.
 */
export const fileSource =
  (purpose: 'secret' | 'config') =>
  (node: Node, c: Context): FileSource | undefined => {
    const before = c.problems.length;
    const read = fields(SOURCE_KEYS, SOURCE_UNSUPPORTED)(node, c);
    if (read === undefined || c.problems.length > before) return undefined;
    const [source, other] = SOURCES.filter((key) => read[key] !== undefined);
    if (source === undefined) return report(c, node, 'has no file', FILE_ADVICE);
    if (other !== undefined) return report(c, node, `has both ${source} and ${other}`, 'keep one of the two');
    if (read.content !== undefined && purpose === 'secret')
      return report(c, nodeAt(node, 'content'), 'is no key of a secret', FILE_ADVICE);
    if (read.content !== undefined) return { kind: 'text', content: read.content };
    if (read.environment !== undefined) return variableText(read.environment, nodeAt(node, 'environment'), c);
    if (read.file === undefined) return undefined;
    const content = c.ask(read.file, purpose);
    if (content.kind === 'unreadable') {
      const shown = pathText(nodeAt(node, 'file'), read.file);
      hint(c, node, `${shown} may not be read by the agent, which will not notice a change of its content`);
    } else if (isUnusable(c, nodeAt(node, 'file'), read.file, content)) {
      return undefined;
    }
    return {
      kind: 'file',
      path: read.file,
      contentHash: content.kind === 'hash' ? content.sha256 : undefined,
    };
  };
