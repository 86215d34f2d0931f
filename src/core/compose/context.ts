import type { Hint, NetworkDefinition } from './model.ts';
import type { ComposeProblem } from './problem.ts';
import type { Node } from './node.ts';

/** Why a file that the compose files name is read. Of secrets and configs only the content's hash is wanted. */
export type FilePurpose = 'variables' | 'environment' | 'secret' | 'config';

/** What reading one named file gave. Content that must not be kept arrives as a SHA-256 in hex. */
export type FileContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'hash'; readonly sha256: string }
  | { readonly kind: 'missing' }
  /** It is there, and this user may not read it. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'unusable'; readonly message: string };

/** What the top level defines; services refer to it by name. */
export interface Defined {
  readonly services: ReadonlySet<string>;
  readonly networks: ReadonlyMap<string, NetworkDefinition>;
  readonly volumes: ReadonlySet<string>;
  /** Absolute path of the file behind each name. */
  readonly secrets: ReadonlyMap<string, SourceFile>;
  readonly configs: ReadonlyMap<string, SourceFile>;
}

export interface SourceFile {
  readonly path: string;
  readonly contentHash: string | undefined;
}

/** Where one pass over the files puts what it finds. Lives as long as the pass; nothing outside sees it. */
export interface Context {
  /** Absolute: relative paths in every file start here. */
  readonly folder: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly defined: Defined;
  readonly problems: ComposeProblem[];
  readonly hints: Hint[];
  /** Remembers that the file is wanted; undefined while nobody has read it. */
  readonly ask: (path: string, purpose: FilePurpose) => FileContent | undefined;
}

/** Turns a node into a value. Undefined: it reported why not. */
export type Reader<T> = (node: Node, c: Context) => T | undefined;

export const report = (
  c: Context,
  at: Pick<Node, 'place' | 'path'>,
  message: string,
  advice: string,
): undefined => {
  c.problems.push({ ...at.place, path: at.path, message, advice });
  return undefined;
};

export const hint = (c: Context, at: Pick<Node, 'place' | 'path'>, message: string): void => {
  c.hints.push({ file: at.place.file, line: at.place.line, path: at.path, message });
};

/** The node under these keys, or the last one on the way that exists: where a problem about it is best shown. */
export const nodeAt = (node: Node, ...keys: readonly string[]): Node => {
  const [key, ...rest] = keys;
  const next = key !== undefined && node.kind === 'map' ? node.entries.get(key)?.value : undefined;
  return next === undefined ? node : nodeAt(next, ...rest);
};
