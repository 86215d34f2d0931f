import { readFile } from 'node:fs/promises';
import { AgentError } from '../../core/errors.ts';

const VISIBLE = /^[\x21-\x7e]+$/;

const fault = (path: string, what: string, advice: string, cause?: unknown): AgentError =>
  new AgentError('CREDENTIALS', `the file ${path} ${what}`, { advice, cause });

/**
 * The `Authorization` header that one line of text means: `Bearer TOKEN` and a single word without a colon are a bearer token,
 * `user:password` is basic (RFC 7617, UTF-8; the password may hold colons and spaces). Undefined for anything else.
 */
export const parseCredentials = (text: string): string | undefined => {
  const line = text.replace(/\r?\n$/, '');
  const token = /^Bearer +(.+)$/i.exec(line)?.[1] ?? (line.includes(':') ? undefined : line);
  if (token !== undefined) return VISIBLE.test(token) ? `Bearer ${token}` : undefined;
  const isPair = /^[^:\p{Cc}]+:\P{Cc}*$/u.test(line);
  return isPair ? `Basic ${Buffer.from(line, 'utf8').toString('base64')}` : undefined;
};

/**
 * Reads the file anew, so that a rotated password works at the next poll.
 * @throws AgentError CREDENTIALS without any of the file's content.
 */
export const readCredentials = async (path: string, signal: AbortSignal): Promise<string> => {
  let text: string;
  try {
    text = await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    throw fault(
      path,
      'cannot be read',
      'let the agent read it, or correct SUPERCARGO_MANIFEST_CREDENTIALS',
      error,
    );
  }
  const header = parseCredentials(text);
  if (header !== undefined) return header;
  throw fault(path, 'holds no credentials', 'write one line into it: user:password, or Bearer TOKEN');
};
