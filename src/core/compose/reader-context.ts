import type { Hint, NetworkDefinition } from './project-model.ts';
import type { ComposeProblem } from './compose-problem.ts';
import { variablesIn, type Allowance } from './interpolate.ts';
import type { Node } from './node.ts';

/**
 * Why a file that the compose files name is read. Of secrets and configs only the content's hash is wanted.
 */
export type FilePurpose = 'variables' | 'environment' | 'secret' | 'config';

/** What reading one named file gave. Content that must not be kept arrives as a SHA-256 in hex. */
export type FileContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'hash'; readonly sha256: string }
  | { readonly kind: 'missing' }
  /** It is there, and this user may not read it. */
  | { readonly kind: 'unreadable' }
  /** `hangs`: its file system does not answer. */
  | { readonly kind: 'unusable'; readonly message: string; readonly hangs?: true };

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
  readonly allowance: Allowance;
  /**
   * The variables that were put into the settings of a service, with their values; undefined outside of
   * services.
   */
  readonly used?: Map<string, string>;
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

/** More of them help nobody, and a file of a megabyte can have half a million. */
export const MAX_PROBLEMS = 100;
const MAX_QUOTE = 80;

/**
 * Settings whose values are free text, and as a rule secret: nothing of them is quoted, whatever is wrong.
 */
const FREE_TEXT =
  /^(?:services\..+\.(?:environment|env_file|command|entrypoint|healthcheck|labels|logging|sysctls)|.*\.(?:labels|driver_opts))(?:[.[]|$)/;

export const isSecretPlace = (at: Pick<Node, 'path'>): boolean => FREE_TEXT.test(at.path);

/** The variables that are put into what stands at a node. */
const variablesBelow = (node: Node): readonly string[] => {
  if (node.kind === 'scalar') return typeof node.value === 'string' ? variablesIn(node.value) : [];
  const inner = node.kind === 'list' ? node.items : [...node.entries.values()].map(({ value }) => value);
  return inner.flatMap(variablesBelow);
};

/**
 * How a message names a text that was read at `node`: in quotes where it stands so in the file, and by its
 * variables where a value was put in, which may be anything, a password that was named in the wrong place
 * too.
 */
export const quoted = (c: Context, node: Node, text: string): string => {
  if (c.problems.length > MAX_PROBLEMS || isSecretPlace(node)) return 'its value';
  const names = [...new Set(variablesBelow(node))];
  if (names.length > 0) return `the value of ${names.map((name) => `\${${name}}`).join(' and ')}`;
  return `"${text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}…` : text}"`;
};

/**
 * Nothing of it was put in by a variable, and it is no free text: a message may quote it, and advise with it.
 */
export const isLiteral = (node: Node): boolean => !isSecretPlace(node) && variablesBelow(node).length === 0;

/** A key is quoted where it looks like one: with a colon missing, it is a value. */
export const isName = (key: string): boolean => /^[\w./-]{1,80}$/.test(key);

/**
 * Takes `amount` of what a project may make; false where nothing is left. Loops that a few lines can make
 * long ask it, so that no file can hold the agent up.
 */
export const spend = (c: Context, at: Pick<Node, 'place' | 'path'>, amount: number): boolean => {
  c.allowance.left -= amount;
  if (c.allowance.left >= 0) return true;
  const isReported = c.allowance.left === Number.NEGATIVE_INFINITY;
  c.allowance.left = Number.NEGATIVE_INFINITY;
  if (!isReported)
    report(
      c,
      at,
      'makes the project larger than supercargo takes',
      'use shorter lists, ranges and env files',
    );
  return false;
};

export const hint = (c: Context, at: Pick<Node, 'place' | 'path'>, message: string): void => {
  c.hints.push({ file: at.place.file, line: at.place.line, path: at.path, message });
};

/**
 * The node under these keys, or the last one on the way that exists: where a problem about it is best shown.
 */
export const nodeAt = (node: Node, ...keys: readonly string[]): Node => {
  const [key, ...rest] = keys;
  const next = key !== undefined && node.kind === 'map' ? node.entries.get(key)?.value : undefined;
  return next === undefined ? node : nodeAt(next, ...rest);
};
