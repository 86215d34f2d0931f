import { isLiteral, nodeAt, quoted, report, spend, type Context, type Reader } from './reader-context.ts';
import type { InlineFile, Mount } from './project-model.ts';
import { containerFile, containerPath, hostPath } from './host-paths.ts';
import { fields, listOf, oneOrMany, present, toRecord } from './readers.ts';
import { bool, bytes, filledText, oneOf, scalar } from './scalars.ts';
import type { Node } from './node.ts';
import { NAME } from '../docker-names.ts';

/** A mount and its position in the file. */
export interface WrittenMount {
  readonly mount: Mount;
  readonly node: Node;
}

/** A file that the agent puts into the container, and its position in the compose file. */
export interface WrittenFile {
  readonly file: InlineFile;
  readonly node: Node;
}

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;
const VOLUME_OPTIONS = ['ro', 'rw', 'z', 'Z', 'nocopy'];
const BIND_OPTIONS = ['ro', 'rw', 'z', 'Z', ...PROPAGATIONS];
const FORM =
  'write [SOURCE:]TARGET[:ro], where SOURCE is a volume of the top level, ' +
  'or a path that begins with "/" or "./"';

const volumeAdvice = (name: string, isShown: boolean): string => {
  if (!isShown) return 'add it below volumes: at the top level, or begin it with ./ for a folder';
  return NAME.test(name)
    ? `add "${name}:" below volumes: at the top level, or write ./${name} for a folder`
    : `write ./${name} for a folder: a volume's name has only letters, digits, "_", "." and "-"`;
};

const definedVolume = (name: string, node: Node, c: Context): string | undefined =>
  c.defined.volumes.has(name)
    ? name
    : report(c, node, `volume ${quoted(c, node, name)} is not defined`, volumeAdvice(name, isLiteral(node)));

const selinuxOf = (options: readonly string[]): 'z' | 'Z' | undefined =>
  (['Z', 'z'] as const).find((option) => options.includes(option));

const shortMount = (node: Node, c: Context): Mount | undefined => {
  const written = filledText(node, c);
  if (written === undefined) return undefined;
  const parts = written.split(':');
  const [first = '', second, third] = parts;
  if (parts.length > 3 || parts.includes(''))
    return report(c, node, `${quoted(c, node, written)} is not a volume`, FORM);
  const target = containerPath(second ?? first, node, c);
  if (target === undefined) return undefined;
  if (second === undefined) return { kind: 'anonymous', target, readOnly: false };
  const options = (third ?? '').split(',').filter((option) => option !== '');
  const readOnly = options.includes('ro');
  const isBind = /^[./~]/.test(first);
  const allowed: readonly string[] = isBind ? BIND_OPTIONS : VOLUME_OPTIONS;
  const odd = options.find((option) => !allowed.includes(option));
  if (odd !== undefined || (readOnly && options.includes('rw'))) {
    return report(
      c,
      node,
      `${quoted(c, node, odd ?? 'ro,rw')} is not an option of this volume`,
      `write ${allowed.join(', ')}`,
    );
  }
  const selinux = selinuxOf(options);
  if (isBind) {
    const source = hostPath(first, node, c);
    const propagation = PROPAGATIONS.find((option) => options.includes(option));
    return source === undefined
      ? undefined
      : {
          kind: 'bind',
          source,
          target,
          readOnly,
          createSource: true,
          ...present({ propagation, selinux }),
        };
  }
  const name = definedVolume(first, node, c);
  const noCopy = options.includes('nocopy') ? true : undefined;
  return name === undefined
    ? undefined
    : { kind: 'volume', name, target, readOnly, ...present({ noCopy, selinux }) };
};

/** YAML 1.1 and 1.2 read `1777` and `01777` differently, so only an explicit octal number is accepted. */
const mode: Reader<number> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  const [, digits] = /^0o?([0-7]{1,4})$/.exec(read.text) ?? [];
  return digits === undefined
    ? report(c, node, `${quoted(c, node, read.text)} is not an octal mode`, 'write it like 0o1777')
    : Number.parseInt(digits, 8);
};

const LONG_KEYS = {
  type: oneOf('volume', 'bind', 'tmpfs'),
  source: filledText,
  target: containerFile,
  read_only: bool,
  bind: fields(
    { propagation: oneOf(...PROPAGATIONS), create_host_path: bool, selinux: oneOf('z', 'Z') },
    { recursive: 'remove it: what is mounted below the source is always part of it' },
  ),
  volume: fields(
    { nocopy: bool, subpath: filledText },
    { labels: 'label the volume at the top level instead' },
  ),
  tmpfs: fields({ size: bytes, mode }),
};
const UNSUPPORTED = {
  consistency: 'remove it: only macOS uses it',
  image: 'put the files into the image, or into a volume: an image cannot be mounted',
};

type Long = NonNullable<ReturnType<ReturnType<typeof fields<typeof LONG_KEYS>>>>;

const longVolume = (read: Long, target: string, node: Node, c: Context): Mount | undefined => {
  const readOnly = read.read_only ?? false;
  const noCopy = read.volume?.nocopy === true ? true : undefined;
  const subpath = read.volume?.subpath;
  if (read.source !== undefined) {
    const name = definedVolume(read.source, nodeAt(node, 'source'), c);
    return name === undefined
      ? undefined
      : { kind: 'volume', name, target, readOnly, ...present({ noCopy, subpath }) };
  }
  if (noCopy === undefined && subpath === undefined) return { kind: 'anonymous', target, readOnly };
  return report(c, node, 'nocopy and subpath need a named volume', 'add source: VOLUME');
};

const longBind = (read: Long, target: string, node: Node, c: Context): Mount | undefined => {
  if (read.source === undefined)
    return report(c, node, 'a bind mount needs a source', 'add source: /PATH/ON/THE/HOST');
  const source = hostPath(read.source, nodeAt(node, 'source'), c);
  if (source === undefined) return undefined;
  const { propagation, create_host_path: create = false, selinux } = read.bind ?? {};
  const readOnly = read.read_only ?? false;
  return {
    kind: 'bind',
    source,
    target,
    readOnly,
    createSource: create,
    ...present({ propagation, selinux }),
  };
};

const longTmpfs = (read: Long, target: string, node: Node, c: Context): Mount | undefined => {
  if (read.source !== undefined) return report(c, node, 'a tmpfs has no source', 'remove source');
  if (read.read_only === true) return report(c, node, 'a tmpfs cannot be read-only', 'remove read_only');
  return { kind: 'tmpfs', target, ...present({ sizeBytes: read.tmpfs?.size, mode: read.tmpfs?.mode }) };
};

const longMount = (node: Node, c: Context): Mount | undefined => {
  const before = c.problems.length;
  const read = fields(LONG_KEYS, UNSUPPORTED)(node, c);
  if (read === undefined || node.kind !== 'map' || c.problems.length > before) return undefined;
  const { type, target } = read;
  if (type === undefined) return report(c, node, 'has no type', 'add type: volume, bind or tmpfs');
  if (target === undefined) return report(c, node, 'has no target', 'add target: /PATH/IN/THE/CONTAINER');
  const foreign = (['bind', 'volume', 'tmpfs'] as const).find(
    (name) => name !== type && read[name] !== undefined,
  );
  if (foreign !== undefined)
    return report(c, node, `has options of a ${foreign}, but is a ${type}`, `remove ${foreign}:`);
  if (type === 'bind') return longBind(read, target, node, c);
  return type === 'volume' ? longVolume(read, target, node, c) : longTmpfs(read, target, node, c);
};

const written: Reader<WrittenMount> = (node, c) => {
  const mount = node.kind === 'map' ? longMount(node, c) : shortMount(node, c);
  return mount && { mount, node };
};

/** `volumes` of a service, in short and long syntax. */
export const mounts: Reader<readonly WrittenMount[]> = listOf(written);

const tmpfsEntry: Reader<readonly [string, string]> = (node, c) => {
  const entry = filledText(node, c);
  if (entry === undefined) return undefined;
  const colon = entry.indexOf(':');
  const target = containerPath(colon === -1 ? entry : entry.slice(0, colon), node, c);
  return target === undefined ? undefined : [target, colon === -1 ? '' : entry.slice(colon + 1)];
};

/** Reads `tmpfs` such as `/run:size=64m,mode=1777` into a map of targets and options. */
export const tmpfs: Reader<Readonly<Record<string, string>>> = (node, c) => {
  const list = oneOrMany(tmpfsEntry)(node, c);
  return list && toRecord(list);
};

const FILE_KEYS = { source: filledText, target: filledText };
const FILE_UNSUPPORTED = Object.fromEntries(
  ['uid', 'gid', 'mode'].map((key) => [
    key,
    'remove it, and set owner and mode of the file on the host: the container sees those',
  ]),
);

/** A tar header has no more room, and is not Unicode. */
const ARCHIVE_PATH = /^[\x21-\x7e]{1,100}$/;

/**
 * `secrets` and `configs` of a service: a read-only bind mount of a file, or a file in the container. A
 * relative target is below `base`.
 */
export const fileMounts = (
  kind: 'secrets' | 'configs',
  base: string,
): Reader<readonly (WrittenMount | WrittenFile)[]> =>
  listOf((node, c) => {
    const read =
      node.kind === 'scalar'
        ? { source: filledText(node, c), target: undefined }
        : fields(FILE_KEYS, FILE_UNSUPPORTED)(node, c);
    if (read === undefined) return undefined;
    if (read.source === undefined) {
      return node.kind === 'map' && !node.entries.has('source')
        ? report(c, node, 'has no source', 'add source: NAME')
        : undefined;
    }
    const file = c.defined[kind].get(read.source);
    if (file === undefined) {
      if (c.defined[kind].has(read.source)) return undefined;
      return report(
        c,
        node,
        `${quoted(c, node, read.source)} is not defined`,
        `add "${isLiteral(node) ? read.source : 'NAME'}: {file: PATH}" below ${kind}: at the top level`,
      );
    }
    const name = read.target ?? read.source;
    const target = containerPath(name.startsWith('/') ? name : `${base}/${name}`, node, c);
    if (target === undefined) return undefined;
    if (file.kind === 'text') {
      if (!spend(c, node, file.content.length)) return undefined;
      if (ARCHIVE_PATH.test(target)) return { node, file: { target, content: file.content } };
      return report(c, node, 'has a target of more than 100 ASCII characters', 'write a shorter target');
    }
    const { path: source, contentHash } = file;
    return {
      node,
      mount: {
        kind: 'bind',
        source,
        target,
        readOnly: true,
        createSource: false,
        ...present({ contentHash }),
      },
    };
  });
