import type { Place } from './compose-problem.ts';

interface Located {
  readonly place: Place;
  readonly path: string;
}

/** `plain` is false for quoted and block scalars, which are always text. `source` is the original text. */
export interface ScalarNode extends Located {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly source: string;
  readonly plain: boolean;
}

export interface ListNode extends Located {
  readonly kind: 'list';
  readonly items: readonly Node[];
}

export interface Entry {
  readonly keyPlace: Place;
  readonly value: Node;
}

export interface MapNode extends Located {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A YAML node with its position and path, after aliases and merge keys, before interpolation. */
export type Node = ScalarNode | ListNode | MapNode;

/** Hides a key that does not look like a name: it may be a secret value with its colon missing. */
const shownKey = (key: string): string => (/^[\w./-]{1,80}$/.test(key) || key === '<<' ? key : '?');

export const joinPath = (path: string, key: string): string =>
  path === '' ? shownKey(key) : `${path}.${shownKey(key)}`;

/** Moves a node to another path: merged entries belong to the map that merges them. */
export const rebase = (node: Node, path: string): Node => {
  if (node.kind === 'scalar') return { ...node, path };
  if (node.kind === 'list') {
    return { ...node, path, items: node.items.map((item, index) => rebase(item, `${path}[${index}]`)) };
  }
  const entries = [...node.entries].map(([key, entry]): [string, Entry] => [
    key,
    { keyPlace: entry.keyPlace, value: rebase(entry.value, joinPath(path, key)) },
  ]);
  return { ...node, path, entries: new Map(entries) };
};
