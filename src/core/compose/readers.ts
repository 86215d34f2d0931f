import { closestName } from '../closest-name.ts';
import { isName, MAX_PROBLEMS, quoted, report, type Context, type Reader } from './reader-context.ts';
import { filledText, scalar, text } from './scalars.ts';
import type { ListNode, MapNode, Node } from './node.ts';

/** The allowed keys of a map and the reader of each. */
export type Table = Readonly<Record<string, Reader<unknown>>>;

export type Fields<T extends Table> = {
  readonly [K in keyof T]?: (T[K] extends Reader<infer V> ? V : never) | undefined;
};

export const expectMap = (node: Node, c: Context): MapNode | undefined => {
  if (node.kind === 'map') return node;
  const message = node.kind === 'scalar' && node.value === null ? 'has no value' : 'must be a map';
  return report(c, node, message, 'write KEY: VALUE lines below it, or remove it');
};

const expectList = (node: Node, c: Context): ListNode | undefined => {
  if (node.kind === 'list') return node;
  const message = node.kind === 'scalar' && node.value === null ? 'has no value' : 'must be a list';
  return report(c, node, message, 'write "- VALUE" lines below it, or remove it');
};

const STRICT_ADVICE =
  'remove it: supercargo reads a strict subset of the Compose Specification and ignores nothing silently';

const reportKey = (
  c: Context,
  at: Pick<Node, 'place' | 'path'>,
  key: string,
  table: Table,
  unsupported: Readonly<Record<string, string>>,
): void => {
  const advice = Object.hasOwn(unsupported, key) ? unsupported[key] : undefined;
  if (advice !== undefined) return report(c, at, `"${key}" is not supported`, advice);
  // The report no longer shows a suggestion, and comparing with each key takes time.
  const meant = c.problems.length > MAX_PROBLEMS ? undefined : closestName(key, Object.keys(table));
  return report(
    c,
    at,
    isName(key) ? `unknown key "${key}"` : 'unknown key',
    meant === undefined ? STRICT_ADVICE : `did you mean "${meant}"?`,
  );
};

/**
 * Reads a map by its table. Other keys are problems, except `x-*`. `x-supercargo` needs an entry in the
 * table.
 */
export const fields =
  <T extends Table>(table: T, unsupported: Readonly<Record<string, string>> = {}): Reader<Fields<T>> =>
  (node, c) => {
    const map = expectMap(node, c);
    if (map === undefined) return undefined;
    const read: [string, unknown][] = [];
    for (const [key, { keyPlace, value }] of map.entries) {
      if (Object.hasOwn(table, key)) read.push([key, table[key]?.(value, c)]);
      else if (!key.startsWith('x-') || key === 'x-supercargo') {
        reportKey(c, { place: keyPlace, path: value.path }, key, table, unsupported);
      }
    }
    return Object.fromEntries(read) as Fields<T>;
  };

/** Reads a list, without the entries that have problems. */
export const listOf =
  <T>(item: Reader<T>): Reader<readonly T[]> =>
  (node, c) =>
    expectList(node, c)?.items.flatMap((entry) => {
      const value = item(entry, c);
      return value === undefined ? [] : [value];
    });

/** Reads a list and ignores its order and repetitions. */
export const setOf =
  (item: Reader<string>): Reader<readonly string[]> =>
  (node, c) => {
    const values = listOf(item)(node, c);
    return values && [...new Set(values)].toSorted();
  };

export const oneOrMany =
  <T>(item: Reader<T>): Reader<readonly T[]> =>
  (node, c) => {
    if (node.kind !== 'scalar') return listOf(item)(node, c);
    const value = item(node, c);
    return value === undefined ? undefined : [value];
  };

export const mapOf =
  <T>(item: (node: Node, c: Context, key: string) => T | undefined): Reader<ReadonlyMap<string, T>> =>
  (node, c) => {
    const map = expectMap(node, c);
    if (map === undefined) return undefined;
    const pairs = [...map.entries].flatMap(([key, { value }]): [string, T][] => {
      const read = item(value, c, key);
      return read === undefined ? [] : [[key, read]];
    });
    return new Map(pairs);
  };

/** A plain object with sorted keys, safe for keys such as `__proto__`. */
export const toRecord = <T>(map: Iterable<readonly [string, T]>): Readonly<Record<string, T>> =>
  Object.fromEntries([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Reads `{KEY: VALUE}` as text. Numbers and booleans keep their spelling. */
export const textMap: Reader<Readonly<Record<string, string>>> = (node, c) => {
  const map = mapOf(text)(node, c);
  return map && toRecord(map);
};

/** One `KEY=VALUE` of a list, or one entry of a map. `value` is undefined for a `KEY` alone. */
export interface Assignment {
  readonly key: string;
  readonly value: string | undefined;
  readonly node: Node;
}

const listAssignment: Reader<Assignment> = (node, c) => {
  const written = filledText(node, c);
  if (written === undefined) return undefined;
  const equals = written.indexOf('=');
  if (equals === -1) return { key: written, value: undefined, node };
  if (equals === 0) return report(c, node, 'has no name before "="', 'write NAME=VALUE');
  return { key: written.slice(0, equals), value: written.slice(equals + 1), node };
};

const mapAssignment = (node: Node, c: Context, key: string): Assignment | undefined => {
  if (node.kind === 'scalar' && node.value === null) return { key, value: undefined, node };
  const value = text(node, c);
  return value === undefined ? undefined : { key, value, node };
};

const keyText = (key: string, { kind, ...node }: Node): string =>
  isName(key) && kind === 'scalar' && 'source' in node && !node.source.includes('$') ? `"${key}"` : 'a name';

/** Reads a map or a list of `KEY=VALUE`. A key with two values in the list is a problem. */
export const assignments: Reader<readonly Assignment[]> = (node, c) => {
  if (node.kind === 'map') return [...(mapOf(mapAssignment)(node, c)?.values() ?? [])];
  const list = listOf(listAssignment)(node, c);
  const seen = new Map<string, string | undefined>();
  for (const { key, value, node: at } of list ?? []) {
    if (seen.has(key) && seen.get(key) !== value)
      report(c, at, `${keyText(key, at)} is set twice`, 'keep one of the two');
    seen.set(key, value);
  }
  return list;
};

/** Reads a map or a list of `KEY=VALUE`. A `KEY` alone has the empty value. */
export const assignmentRecord: Reader<Readonly<Record<string, string>>> = (node, c) => {
  const list = assignments(node, c);
  return list && toRecord(list.map(({ key, value }) => [key, value ?? ''] as const));
};

/** Accepts only the default value. */
export const only =
  (accepted: string, advice: string): Reader<true> =>
  (node, c) => {
    const read = scalar(node, c);
    if (read === undefined) return undefined;
    return read.text === accepted
      ? true
      : report(c, node, `${quoted(c, node, read.text)} is not supported`, advice);
  };

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out undefined members. An absent member means the default of the engine or the image. */
export const present = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
