import { AgentError, messageOf } from '../../core/errors.ts';
import { parseRefusal } from '../../core/hub/refusal.ts';
import { headerOfToken } from '../../core/hub/tokens.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import type { Connections } from '../../io/connections.ts';
import { exchange, type HttpAnswer, type Timeouts } from '../../io/http.ts';
import { describeFailures, retryAfterOf, type HubAnswer, type HubList } from '../../io/hub-failover.ts';
import type { TlsMaterial } from '../../io/tls-files.ts';
import { readToken, type TokenSource } from './token.ts';

/** The access of one host to the report store. */
export interface StoreAccess {
  /** The address of this host's document on each hub, or on one web server. */
  readonly hubs: HubList;
  readonly token: TokenSource;
  /** Reads the certificates, at every request. @throws AgentError CREDENTIALS */
  readonly readTls: (signal: AbortSignal) => Promise<TlsMaterial>;
  /** Of all requests to the hubs; without it each opens a connection of its own. */
  readonly connections?: Connections;
}

export type WholeTimeouts = Timeouts & { readonly responseMs: number; readonly requestMs: number };

export interface StoreRequest {
  readonly method: 'PUT' | 'POST';
  /** A JSON document; undefined: no body. */
  readonly text: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeouts: WholeTimeouts;
  readonly maxBytes: (status: number) => number;
  /** Whether an answer of this status counts, so that no other hub is asked: below 500 unless given. */
  readonly isAnswer?: (status: number) => boolean;
}

export type StoreAnswer =
  | { readonly kind: 'answer'; readonly url: string; readonly answer: HttpAnswer }
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

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
const unreachable = (doing: string, failure: string): AgentError =>
  new AgentError('STORE', `cannot ${doing} ${failure}`, {
    retry: 'later',
    advice:
      'check the server, its name, port and certificate, and the network; the agent tries again by itself',
  });

const exchangeWithOne = async (
  url: string,
  /** For messages: `send the report to`. */
  doing: string,
  { token: source, readTls, connections }: StoreAccess,
  { method, text, headers: own, timeouts, maxBytes, isAnswer = (status) => status < 500 }: StoreRequest,
  signal: AbortSignal,
): Promise<HubAnswer<StoreAnswer>> => {
  signal.throwIfAborted();
  const limit = AbortSignal.timeout(timeouts.requestMs);
  const both = AbortSignal.any([signal, limit]);
  try {
    const token = await readToken(source, both);
    const headers = {
      ...(text === undefined
        ? { 'content-length': '0' }
        : { 'content-type': 'application/json; charset=utf-8' }),
      ...(token !== undefined && { authorization: headerOfToken(token) }),
      ...own,
    };
    const tls = await readTls(both);
    const kept = connections && { connections };
    const body = text === undefined ? {} : { body: text };
    const request = { url: new URL(url), method, headers, ...body, tls, ...kept } as const;
    const limits = { sendMs: timeouts.responseMs, ...timeouts };
    const answer = await exchange({ ...request, timeouts: limits }, maxBytes, both);
    const value = { kind: 'answer', url, answer } as const;
    if (isAnswer(answer.status)) return { kind: 'answered', value };
    const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
    const words = reasonIn(answer.body);
    const reason = `it answered ${String(answer.status)}${words === '' ? '' : `: ${words}`}`;
    return { kind: 'failing', value, reason, retryAfterMs };
  } catch (error) {
    signal.throwIfAborted();
    // A file of this host cannot be read: another hub would not help.
    if (error instanceof AgentError) return { kind: 'answered', value: { kind: 'failed', error } };
    const reason = limit.aborted
      ? `no answer within ${String(timeouts.requestMs / 1000)} s`
      : messageOf(error);
    const value = { kind: 'failed', error: unreachable(doing, `${url}: ${reason}`) } as const;
    return { kind: 'unreachable', value, reason };
  }
};

/**
 * One exchange with the first hub that answers, or with any web server that takes PUT. `requestFor` takes the
 * address of a hub. Proxies of the environment are ignored. Only the abort of `signal` rejects, with its
 * reason.
 */
export const exchangeWithStore = async (
  access: StoreAccess,
  doing: string,
  requestFor: (url: string) => StoreRequest,
  signal: AbortSignal,
): Promise<StoreAnswer> => {
  const result = await access.hubs.ask((url) => exchangeWithOne(url, doing, access, requestFor(url), signal));
  if (result.kind === 'answered') return result.value;
  const { failures } = result;
  if (failures.length === 1) return failures[0].value;
  const error = unreachable(doing, describeFailures(failures));
  return { kind: 'failed', error, ...retryAfterOf(failures) };
};
