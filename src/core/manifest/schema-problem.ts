import type { BaseIssue } from 'valibot';
import { quote } from './text.ts';

/** One fault of a document. `path` has the form `services.web.image`; it is empty for the whole document. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

const MAX_DEPTH = 16;
const SHOWN = 3;

const joinPath = (keys: readonly unknown[]): string =>
  keys
    .map((key) => (/^[\w./-]{1,80}$/.test(String(key)) ? String(key) : `[${quote(String(key))}]`))
    .join('.')
    .replace(/\.\[/g, '[');

const toProblem = (issue: BaseIssue<unknown>): Problem => {
  const keys = (issue.path ?? []).map((item) => item.key);
  const path = joinPath(keys);
  const isMissing = issue.type.endsWith('object') && issue.input === undefined;
  const isUnknown = issue.type === 'strict_object' && issue.expected === 'never';
  if (isUnknown) return { path, message: 'is not a known key: remove it, or check its spelling' };
  if (isMissing) return { path, message: 'is missing: add it' };
  if (issue.type.endsWith('object')) return { path, message: 'must be an object' };
  return { path, message: issue.message };
};

/** Turns the issues of valibot into messages for the operator. */
export const problemsOf = (
  issues: readonly [BaseIssue<unknown>, ...BaseIssue<unknown>[]],
): readonly [Problem, ...Problem[]] => {
  const [first, ...others] = issues;
  return [toProblem(first), ...others.map(toProblem)];
};

/**
 * Finds a key that every object inherits (`__proto__`, `constructor`, `toString`) at any level, or a value
 * that is nested too deeply.
 */
export const findStrangeKey = (value: unknown, keys: readonly string[] = []): Problem | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  if (keys.length > MAX_DEPTH) return { path: '', message: `is nested deeper than ${MAX_DEPTH} levels` };
  for (const [key, member] of Object.entries(value)) {
    const path = [...keys, key];
    if (key in Object.prototype)
      return { path: joinPath(path), message: 'is a reserved word: choose another name' };
    const found = findStrangeKey(member, path);
    if (found !== undefined) return found;
  }
  return undefined;
};

export const formatProblem = ({ path, message }: Problem): string =>
  path === '' ? `the document ${message}` : `${path} ${message}`;

/** Formats the first three problems and the number of further ones. */
export const formatProblems = (problems: readonly Problem[]): string => {
  const more = problems.length - SHOWN;
  const shown = problems.slice(0, SHOWN).map(formatProblem).join('; ');
  return more > 0 ? `${shown}; and ${more} more` : shown;
};
