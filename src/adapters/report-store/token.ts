import { AgentError } from '../../core/errors.ts';
import { readNamedFile } from '../../io/input-file.ts';

/** SUPERCARGO_REPORT_TOKEN, or the file that SUPERCARGO_REPORT_TOKEN_FILE names. */
export type TokenSource =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'file'; readonly path: string };

const VISIBLE = /^[\x21-\x7e]+$/;
const MAX_BYTES = 65_536;

/**
 * Reads the file for every report, so that a new token works without a restart.
 * @throws AgentError CREDENTIALS without any of the file's content
 */
export const readToken = async (source: TokenSource, signal: AbortSignal): Promise<string | undefined> => {
  if (source.kind === 'none') return undefined;
  if (source.kind === 'value') return source.value;
  const { path } = source;
  const text = await readNamedFile(path, 'SUPERCARGO_REPORT_TOKEN_FILE', MAX_BYTES, signal);
  const token = text.replace(/\r?\n$/, '');
  if (VISIBLE.test(token)) return token;
  throw new AgentError('CREDENTIALS', `the file ${path} holds no token`, {
    advice: 'write what `supercargo hub token ENV HOST` prints into it, one line',
  });
};
