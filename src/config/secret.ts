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
const VISIBLE = /^[\x21-\x7e]+$/;

const fault = (message: string, advice: string, cause?: unknown): AgentError =>
  new AgentError('CONFIG', message, { advice, cause });

const readSecretFile = (name: string, path: string): { text: string; warnings: string[] } => {
  try {
    const isOpen = (statSync(path).mode & 0o007) !== 0;
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    return { text, warnings: isOpen ? [`${name}: every user can read ${path}; chmod 640 it`] : [] };
  } catch (error) {
    throw fault(
      `${name} names ${path}, which cannot be read: ${messageOf(error)}`,
      'write the secret into that file, readable for the user that runs this command',
      error,
    );
  }
};

/**
 * Reads a secret from NAME or from the file that NAME_FILE names. Empty values count as not set. The secret
 * never appears in a message.
 * @throws AgentError CONFIG
 */
export const readSecret = (env: NodeJS.ProcessEnv, name: string): GivenSecret => {
  const [direct, file] = [valueIn(env, name), valueIn(env, `${name}_FILE`)];
  if (direct !== undefined && file !== undefined)
    throw fault(`${name} and ${name}_FILE are both set`, 'set one of the two; the file is safer');
  if (direct === undefined && file === undefined) return { value: undefined, warnings: [] };
  const [source, { text, warnings }] =
    file === undefined
      ? [name, { text: direct ?? '', warnings: [] }]
      : [file, readSecretFile(`${name}_FILE`, file)];
  if (!VISIBLE.test(text))
    throw fault(
      `${source} must hold one word of visible ASCII characters`,
      'make one with: openssl rand -hex 32',
    );
  const short =
    text.length < SHORT
      ? [`${name} is shorter than ${String(SHORT)} characters: make one with openssl rand -hex 32`]
      : [];
  return { value: text, warnings: [...warnings, ...short] };
};
