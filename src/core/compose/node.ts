import type { Place } from './compose-problem.ts';

interface Located {
  readonly place: Place;
  readonly path: string;
}

/**
 * `plain` is false for quoted and block scalars: those are text, whatever they look like. `source` is as
 * written.
 */
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

/**
 * YAML with aliases expanded, merge keys applied, and a place and path on everything; `$` is not interpolated
 * yet.
 */
export type Node = ScalarNode | ListNode | MapNode;

/** A key that is no name may be a value whose colon is missing: it is not shown. */
const shownKey = (key: string): string => (/^[\w./-]{1,80}$/.test(key) || key === '<<' ? key : '?');

export const joinPath = (path: string, key: string): string =>
  path === '' ? shownKey(key) : `${path}.${shownKey(key)}`;

/** The same node at another path: what a merge key brings belongs where it arrives. */
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
