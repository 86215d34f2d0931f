import { AgentError } from '../../core/errors.ts';
import { readNamedFile } from '../../io/input-file.ts';

const VISIBLE = /^[\x21-\x7e]+$/;
const MAX_BYTES = 65_536;

/**
 * Makes an `Authorization` header from one line: `Bearer TOKEN` or a word without a colon is a bearer token,
 * `user:password` is basic (RFC 7617, UTF-8; the password may hold colons and spaces). Returns undefined for
 * any other text.
 */
export const parseCredentials = (text: string): string | undefined => {
  const line = text.replace(/\r?\n$/, '');
  const token = /^Bearer +(.+)$/i.exec(line)?.[1] ?? (line.includes(':') ? undefined : line);
  if (token !== undefined) return VISIBLE.test(token) ? `Bearer ${token}` : undefined;
  const isPair = /^[^:\p{Cc}]+:\P{Cc}*$/u.test(line);
  return isPair ? `Basic ${Buffer.from(line, 'utf8').toString('base64')}` : undefined;
};

/**
 * Reads the file at every call, so that a rotated password works at the next poll.
 * @throws AgentError CREDENTIALS without any of the file's content
 */
export const readCredentials = async (path: string, signal: AbortSignal): Promise<string> => {
  const text = await readNamedFile(path, 'SUPERCARGO_MANIFEST_CREDENTIALS', MAX_BYTES, signal);
  const header = parseCredentials(text);
  if (header !== undefined) return header;
  throw new AgentError('CREDENTIALS', `the file ${path} holds no credentials`, {
    advice: 'write one line into it: user:password, or Bearer TOKEN',
  });
};
