import { readFileSync, statSync } from 'node:fs';
import { AgentError, messageOf } from '../core/errors.ts';
import { valueIn } from './environment.ts';

/** A secret and the warnings about it. */
export interface GivenSecret {
  readonly value: string | undefined;
  readonly warnings: readonly string[];
}

/** Shorter secrets can be guessed. */
const SHORT = 16;
export const isSecretWord = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);
export const MAKE_SECRET = 'openssl rand -hex 32';

/** @param what as in "the token of staging" */
export const shortWarnings = (what: string, text: string): readonly string[] =>
  text.length < SHORT
    ? [`${what} is shorter than ${String(SHORT)} characters: make one with ${MAKE_SECRET}`]
    : [];

const fault = (message: string, advice: string, cause?: unknown): AgentError =>
  new AgentError('CONFIG', message, { advice, cause });

export const openFileWarning = (variable: string, path: string): string =>
  `${variable}: every user can read ${path}; chmod 640 it`;

/**
 * The lines of a secret's file: the current secret, and during its rotation the one before.
 * @throws AgentError CONFIG
 */
export const parseSecretLines = (path: string, text: string): readonly [string, ...string[]] => {
  const [current = '', ...others] = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (others.length > 1)
    throw fault(
      `${path} has more than two lines`,
      'keep the current secret in the first line, and the one before it in the second',
    );
  if (![current, ...others].every(isSecretWord))
    throw fault(`${path} must hold one word of visible ASCII characters`, `make one with: ${MAKE_SECRET}`);
  return [current, ...others];
};

/** Reads a file that may be a pipe, as a shell makes one of a command: `<(vault …)`. */
const readSecretFile = (name: string, path: string): { text: string; warnings: string[] } => {
  try {
    const isOpen = (statSync(path).mode & 0o007) !== 0;
    return { text: readFileSync(path, 'utf8'), warnings: isOpen ? [openFileWarning(name, path)] : [] };
  } catch (error) {
    throw fault(
      `${name} names ${path}, which cannot be read: ${messageOf(error)}`,
      'write the secret into that file, readable for the user that runs this command',
      error,
    );
  }
};

/** What NAME or NAME_FILE gives. Empty values count as not set. @throws AgentError CONFIG if both are set */
export const secretSource = (
  env: NodeJS.ProcessEnv,
  name: string,
): { readonly value: string | undefined; readonly file: string | undefined } => {
  const [value, file] = [valueIn(env, name), valueIn(env, `${name}_FILE`)];
  if (value !== undefined && file !== undefined)
    throw fault(`${name} and ${name}_FILE are both set`, 'set one of the two; the file is safer');
  return { value, file };
};

/** @throws AgentError CONFIG */
export const checkSecret = (name: string, value: string): string => {
  if (isSecretWord(value)) return value;
  throw fault(`${name} must hold one word of visible ASCII characters`, `make one with: ${MAKE_SECRET}`);
};

/**
 * Reads a secret from NAME or from the file that NAME_FILE names; of two lines the first. The secret never
 * appears in a message.
 * @throws AgentError CONFIG
 */
export const readSecret = (env: NodeJS.ProcessEnv, name: string): GivenSecret => {
  const { value, file } = secretSource(env, name);
  if (value !== undefined) return { value: checkSecret(name, value), warnings: shortWarnings(name, value) };
  if (file === undefined) return { value: undefined, warnings: [] };
  const { text, warnings } = readSecretFile(`${name}_FILE`, file);
  const [current] = parseSecretLines(file, text);
  return { value: current, warnings: [...warnings, ...shortWarnings(name, current)] };
};
