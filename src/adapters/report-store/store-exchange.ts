import { AgentError, messageOf } from '../../core/errors.ts';
import { parseRefusal } from '../../core/hub/refusal.ts';
import { headerOfToken } from '../../core/hub/tokens.ts';
import { exchange, type HttpAnswer, type Timeouts } from '../../io/http.ts';
import type { TlsMaterial } from '../../io/tls-files.ts';
import { readToken, type TokenSource } from './token.ts';

/** The access of one host to the report store. */
export interface StoreAccess {
  readonly url: string;
  readonly token: TokenSource;
  /** Reads the certificates, at every request. @throws AgentError CREDENTIALS */
  readonly readTls: (signal: AbortSignal) => Promise<TlsMaterial>;
}

export type WholeTimeouts = Timeouts & { readonly responseMs: number; readonly requestMs: number };

export interface StoreRequest {
  readonly method: 'PUT' | 'POST';
  readonly text: string;
  readonly timeouts: WholeTimeouts;
  readonly maxBytes: (status: number) => number;
  /** For messages: `send the report to`. */
  readonly doing: string;
}

export type StoreAnswer =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'failed'; readonly error: AgentError };

const short = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ').slice(0, 300);

/** The store's own words about a refusal, on one line; empty if it gives none. */
export const reasonIn = (body: Buffer): string => short(parseRefusal(body.toString('utf8'))?.message ?? '');

/** The same, and what the store advises. */
export const refusalIn = (body: Buffer): string => {
  const { message = 'it says no reason', advice } = parseRefusal(body.toString('utf8')) ?? {};
  return short(advice === undefined ? message : `${message}; ${advice}`);
};

/**
 * got's error is not kept as the cause, because it carries the request with its token, and a logger would
 * print it.
 */
const unreachable = (doing: string, url: string, reason: string): AgentError =>
  new AgentError('STORE', `cannot ${doing} ${url}: ${reason}`, {
    retry: 'later',
    advice:
      'check the server, its name, port and certificate, and the network; the agent tries again by itself',
  });

/**
 * One exchange with a hub, or with any web server that takes PUT. Proxies of the environment are ignored. Only
 * the abort of `signal` rejects, with its reason.
 */
export const exchangeWithStore = async (
  { url, token: source, readTls }: StoreAccess,
  { method, text, timeouts, maxBytes, doing }: StoreRequest,
  signal: AbortSignal,
): Promise<StoreAnswer> => {
  signal.throwIfAborted();
  const limit = AbortSignal.timeout(timeouts.requestMs);
  const both = AbortSignal.any([signal, limit]);
  try {
    const token = await readToken(source, both);
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      ...(token !== undefined && { authorization: headerOfToken(token) }),
    };
    const tls = await readTls(both);
    const request = { url: new URL(url), method, headers, body: text, tls } as const;
    const limits = { sendMs: timeouts.responseMs, ...timeouts };
    return { kind: 'answer', answer: await exchange({ ...request, timeouts: limits }, maxBytes, both) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AgentError) return { kind: 'failed', error };
    const reason = limit.aborted
      ? `no answer within ${String(timeouts.requestMs / 1000)} s`
      : messageOf(error);
    return { kind: 'failed', error: unreachable(doing, url, reason) };
  }
};
