import type { Hint, NetworkDefinition, PlacedNeed } from './project-model.ts';
import type { ComposeProblem } from './compose-problem.ts';
import { variablesIn, type Allowance } from './interpolate.ts';
import type { Node } from './node.ts';

/** Why the compose files need a file. Of secrets and configs only the hash is used. */
export type FilePurpose = 'variables' | 'environment' | 'seccomp' | 'secret' | 'config';

/** The result of reading a file. Secrets and configs arrive as a SHA-256 in hex. */
export type FileContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'hash'; readonly sha256: string }
  | { readonly kind: 'missing' }
  /** The file exists, but the agent may not read it. */
  | { readonly kind: 'unreadable' }
  /** `hangs`: the file system does not answer. */
  | { readonly kind: 'unusable'; readonly message: string; readonly hangs?: true };

/** The definitions at the top level, by name. */
export interface Defined {
  readonly services: ReadonlySet<string>;
  readonly networks: ReadonlyMap<string, NetworkDefinition>;
  readonly volumes: ReadonlySet<string>;
  /** Undefined for a definition with a problem. */
  readonly secrets: ReadonlyMap<string, FileSource | undefined>;
  readonly configs: ReadonlyMap<string, FileSource | undefined>;
}

/** Where a secret or config comes from: a file of the host, or text of the compose files. */
export type FileSource =
  | { readonly kind: 'file'; readonly path: string; readonly contentHash: string | undefined }
  | { readonly kind: 'text'; readonly content: string };

/** The state of one pass over the files. */
export interface Context {
  /** The folder to which relative paths refer, absolute. */
  readonly folder: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly defined: Defined;
  readonly problems: ComposeProblem[];
  readonly hints: Hint[];
  readonly needs: PlacedNeed[];
  readonly allowance: Allowance;
  /** The variables that a service's settings use, and their values. Undefined outside services. */
  readonly used?: Map<string, string>;
  /** Returns the result of reading the file, and records that the project needs it. */
  readonly ask: (path: string, purpose: FilePurpose) => FileContent;
}

/** Turns a node into a value. Returns undefined if it reported a problem. */
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

/** A person reads no more than this, and a file of one megabyte can have 500,000 problems. */
export const MAX_PROBLEMS = 100;
const MAX_QUOTE = 80;

/** Settings with free text, which is often secret. Messages never quote it. */
const FREE_TEXT_KEYS = 'environment|env_file|command|entrypoint|headers|healthcheck|labels|logging|sysctls';
const FREE_TEXT = new RegExp(
  `^(?:services\\..+\\.(?:${FREE_TEXT_KEYS})|configs\\..+\\.content|.*\\.(?:labels|driver_opts))(?:[.[]|$)`,
);

export const isSecretPlace = (at: Pick<Node, 'path'>): boolean => FREE_TEXT.test(at.path);

/** The names of the variables in a node. */
const variablesBelow = (node: Node): readonly string[] => {
  if (node.kind === 'scalar') return typeof node.value === 'string' ? variablesIn(node.value) : [];
  const inner = node.kind === 'list' ? node.items : [...node.entries.values()].map(({ value }) => value);
  return inner.flatMap(variablesBelow);
};

/**
 * Names a text in a message: it quotes text that is literally in the file. It names the variable for text
 * from a variable, which may be a password in the wrong place.
 */
export const quoted = (c: Context, node: Node, text: string): string => {
  if (c.problems.length > MAX_PROBLEMS || isSecretPlace(node)) return 'its value';
  const names = [...new Set(variablesBelow(node))];
  if (names.length > 0) return `the value of ${names.map((name) => `\${${name}}`).join(' and ')}`;
  return `"${text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}…` : text}"`;
};

/** Whether a message may quote the node: it contains no variable and no free text. */
export const isLiteral = (node: Node): boolean => !isSecretPlace(node) && variablesBelow(node).length === 0;

/**
 * Whether a key looks like a name. Other keys are not quoted: they may be secret values with the colon
 * missing.
 */
export const isName = (key: string): boolean => /^[\w./-]{1,80}$/.test(key);

/**
 * Charges `amount` to the project's allowance. Returns false if the allowance is used up. Loops that a few
 * lines can make long call this, so that no file can block the agent.
 */
export const spend = (c: Context, at: Pick<Node, 'place' | 'path'>, amount: number): boolean => {
  c.allowance.left -= amount;
  if (c.allowance.left >= 0) return true;
  const isReported = c.allowance.left === Number.NEGATIVE_INFINITY;
  c.allowance.left = Number.NEGATIVE_INFINITY;
  if (!isReported) report(c, at, 'makes the project too large', 'use shorter lists, ranges and env files');
  return false;
};

export const hint = (c: Context, at: Pick<Node, 'place' | 'path'>, message: string): void => {
  c.hints.push({ file: at.place.file, line: at.place.line, path: at.path, message });
};

/**
 * The node under these keys, or the deepest existing node on the way, which is the best place for a problem.
 */
export const nodeAt = (node: Node, ...keys: readonly string[]): Node => {
  const [key, ...rest] = keys;
  const next = key !== undefined && node.kind === 'map' ? node.entries.get(key)?.value : undefined;
  return next === undefined ? node : nodeAt(next, ...rest);
};
