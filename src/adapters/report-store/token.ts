import { readFile } from 'node:fs/promises';
import { AgentError } from '../../core/errors.ts';

/** SUPERCARGO_REPORT_TOKEN, or the file that SUPERCARGO_REPORT_TOKEN_FILE names. */
export type TokenSource =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'file'; readonly path: string };

const VISIBLE = /^[\x21-\x7e]+$/;

const fault = (path: string, what: string, advice: string, cause?: unknown): AgentError =>
  new AgentError('CREDENTIALS', `the file ${path} ${what}`, { advice, cause });

/**
 * The file is read for every report, so that a new token works without a restart.
 * @throws AgentError CREDENTIALS without any of the file's content.
 */
export const readToken = async (source: TokenSource, signal: AbortSignal): Promise<string | undefined> => {
  if (source.kind === 'none') return undefined;
  if (source.kind === 'value') return source.value;
  const { path } = source;
  let text: string;
  try {
    text = await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    const advice = 'let the agent read it, or correct SUPERCARGO_REPORT_TOKEN_FILE';
    throw fault(path, 'cannot be read', advice, error);
  }
  const token = text.replace(/\r?\n$/, '');
  if (VISIBLE.test(token)) return token;
  throw fault(path, 'holds no token', 'write what `supercargo hub token ENV HOST` prints into it, one line');
};
