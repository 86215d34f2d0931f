import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { AgentError } from '../../core/errors.ts';
import { permissionDenied } from '../../io/permission-denied.ts';
import type { ErrorCode } from '../../core/vocabulary/error-codes.ts';

const QUICK_MS = 10_000;

/**
 * Asks the agent that listens on the socket; returns undefined if none does.
 * @throws the AgentError that the agent answers; the signal's reason
 */
export const askAgent = async (
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
  { timeoutMs = QUICK_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<unknown> => {
  let answer: { status: number; text: string };
  try {
    answer = await exchange(socketPath, method, path, body, { timeoutMs, signal });
  } catch (error) {
    signal?.throwIfAborted();
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return undefined;
    if (error instanceof AgentError) throw error;
    if (code === 'EACCES') throw permissionDenied(socketPath);
    throw new AgentError('AGENT_NOT_RUNNING', `the agent on ${socketPath} does not answer`, {
      cause: error,
      advice: 'see its log (journalctl -u supercargo), and restart it',
    });
  }
  const value: unknown = JSON.parse(answer.text);
  if (answer.status === 200) return value;
  const { error } = value as { error: { code: ErrorCode; message: string; advice: string } };
  throw new AgentError(error.code, error.message, { advice: error.advice });
};

const exchange = (
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<{ status: number; text: string }> => {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const request = httpRequest(
    {
      // Node's HTTP agent would first resolve whether "localhost" is an IPv6 address.
      createConnection: () => connect(socketPath),
      method,
      path,
      headers: { 'content-type': 'application/json' },
      ...(signal && { signal }),
    },
    (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
      response.once('error', reject);
    },
  );
  request.setTimeout(timeoutMs, () =>
    request.destroy(
      new AgentError('TIMED_OUT', `no answer within ${String(timeoutMs / 1000)} s`, {
        retry: 'later',
        advice: 'the agent goes on by itself: see supercargo status, or wait longer with --timeout',
      }),
    ),
  );
  request.once('error', reject);
  request.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
};
