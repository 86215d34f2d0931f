import { isUnusable, pathText } from './container-environment.ts';
import { hostPath } from './host-paths.ts';
import { isLiteral, nodeAt, quoted, report, spend, type Context, type Reader } from './reader-context.ts';
import { canonicalIp } from './ip.ts';
import type { Device, Ulimit } from './project-model.ts';
import { fields, listOf, mapOf, oneOrMany, setOf } from './readers.ts';
import { filledText, integer, text, textLike } from './scalars.ts';
import type { Node } from './node.ts';

const hostEntry = (name: string, address: string, node: Node, c: Context): string | undefined => {
  const ip = address === 'host-gateway' ? address : canonicalIp(address);
  if (name !== '' && ip !== undefined) return `${name}:${ip}`;
  return report(
    c,
    node,
    `${quoted(c, node, address)} is not an address for ${isLiteral(node) ? `"${name}"` : 'its name'}`,
    'write NAME=ADDRESS; ADDRESS may be host-gateway',
  );
};

const listHost: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  if (written === undefined) return undefined;
  const at = written.includes('=') ? written.indexOf('=') : written.indexOf(':');
  return hostEntry(written.slice(0, Math.max(0, at)).trim(), written.slice(at + 1).trim(), node, c);
};

/** Reads `extra_hosts` into the engine's form, `NAME:ADDRESS`, sorted. */
export const extraHosts: Reader<readonly string[]> = (node, c) => {
  if (node.kind !== 'map') return setOf(listHost)(node, c);
  const entries = mapOf((value, inner, name) =>
    oneOrMany<string>((item, deep) => {
      const address = filledText(item, deep);
      return address === undefined ? undefined : hostEntry(name, address, item, deep);
    })(value, inner),
  )(node, c);
  return entries && [...new Set([...entries.values()].flat())].toSorted();
};

const address: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  if (written === undefined) return undefined;
  return (
    canonicalIp(written) ??
    report(c, node, `${quoted(c, node, written)} is not an address`, 'write an IPv4 or IPv6 address')
  );
};

/** The engine asks the servers in this order. */
export const dns: Reader<readonly string[]> = oneOrMany(address);

/** Capabilities in the engine's spelling: upper case, without `CAP_`. */
export const capabilities: Reader<readonly string[]> = setOf((node, c) => {
  const name = textLike(/^[A-Za-z_]+$/, 'a capability', 'write it like NET_ADMIN, or ALL')(node, c);
  return name?.toUpperCase().replace(/^CAP_/, '');
});

const DEVICE_FORM = 'write /dev/SOURCE[:/dev/TARGET[:rwm]]';

const device = (
  written: string,
  node: Node,
  c: Context,
  parts: readonly (string | undefined)[],
): Device | undefined => {
  const [source = '', target = source, permissions = 'rwm'] = parts;
  const sound = source.startsWith('/') && target.startsWith('/') && /^[rwm]{1,3}$/.test(permissions);
  return sound && parts.length <= 3
    ? { source, target, permissions }
    : report(c, node, `${quoted(c, node, written)} is not a device`, DEVICE_FORM);
};

const deviceEntry: Reader<Device> = (node, c) => {
  if (node.kind === 'map') {
    const read = fields({ source: filledText, target: filledText, permissions: filledText })(node, c);
    return read && device(read.source ?? '', node, c, [read.source, read.target, read.permissions]);
  }
  const written = filledText(node, c);
  return written === undefined ? undefined : device(written, node, c, written.split(':'));
};

export const devices: Reader<readonly Device[]> = (node, c) =>
  listOf(deviceEntry)(node, c)?.toSorted((a, b) => (a.target < b.target ? -1 : 1));

const limit = integer(-1, Number.MAX_SAFE_INTEGER);

const ulimit = (node: Node, c: Context, name: string): Ulimit | undefined => {
  if (node.kind === 'scalar') {
    const both = limit(node, c);
    return both === undefined ? undefined : { name, soft: both, hard: both };
  }
  const read = fields({ soft: limit, hard: limit })(node, c);
  if (read?.soft !== undefined && read.hard !== undefined) {
    const [soft, hard] = [read.soft, read.hard].map((n) => (n === -1 ? Infinity : n));
    if (soft !== undefined && hard !== undefined && soft > hard)
      return report(c, nodeAt(node, 'soft'), 'is above hard', 'lower soft, or raise hard; -1 is no limit');
    return { name, soft: read.soft, hard: read.hard };
  }
  return report(c, node, 'needs soft and hard', 'write {soft: N, hard: N}, or one number for both');
};

export const ulimits: Reader<readonly Ulimit[]> = (node, c) => {
  const all = mapOf(ulimit)(node, c);
  return all && [...all.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

const compactJson = (content: string): string | undefined => {
  try {
    return JSON.stringify(JSON.parse(content));
  } catch {
    return undefined;
  }
};

/** The engine takes the content of a seccomp profile, and never a path. */
const securityOption: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  const [, path] = /^seccomp[=:](?!unconfined$|builtin$|\s*\{)(.+)$/.exec(written ?? '') ?? [];
  if (path === undefined) return written;
  const file = hostPath(path, node, c);
  if (file === undefined) return undefined;
  const content = c.ask(file, 'seccomp');
  if (isUnusable(c, node, file, content) || content.kind !== 'text') return undefined;
  if (!spend(c, node, content.text.length)) return undefined;
  const profile = compactJson(content.text);
  return profile === undefined
    ? report(c, node, `${pathText(node, file)} is not JSON`, 'name a seccomp profile')
    : `seccomp=${profile}`;
};

export const securityOptions = setOf(securityOption);

const namespace =
  (key: string, modes: readonly string[]): Reader<string> =>
  (node, c) => {
    const mode = text(node, c);
    if (mode === undefined || modes.includes(mode) || /^container:[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(mode))
      return mode;
    return report(
      c,
      node,
      `${key} ${quoted(c, node, mode)} is not supported`,
      `write ${[...modes, 'container:NAME'].join(', ')}`,
    );
  };

export const pid = namespace('pid', ['host']);
export const ipc = namespace('ipc', ['host', 'private', 'shareable', 'none']);
