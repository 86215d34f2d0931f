import { get } from 'node:http';
import { connect } from 'node:net';
import { messageOf } from '../core/errors.ts';
import type { Probe, ProbeResult } from '../core/ports/probe.ts';

/**
 * docker-proxy accepts connections to a published port even if nothing listens in the container, and closes
 * them once the container refuses. So a connection counts once it has lasted this long or has sent data.
 */
const SETTLE_MS = 50;

const TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name could not be looked up',
};

const GOOD: ProbeResult = { ok: true };
const bad = (detail: string): ProbeResult => ({ ok: false, detail });

/** A name with several addresses fails with an AggregateError, which has an empty message. */
const describeError = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return TEXTS[code] ?? (messageOf(error) || code);
};

type Attempt = (settle: (result: ProbeResult) => void) => { readonly destroy: () => void };

/** Runs one attempt until it settles, times out or is aborted, and closes its connection. */
const settleWithin = async (
  timeoutMs: number,
  signal: AbortSignal,
  attempt: Attempt,
): Promise<ProbeResult> => {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>();
  const connection = attempt(resolve);
  const onAbort = (): void => reject(signal.reason as Error);
  const timer = setTimeout(() => resolve(bad(`there was no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    connection.destroy();
  }
};

const tcp: Probe['tcp'] = (host, port, timeoutMs, signal) =>
  settleWithin(timeoutMs, signal, (settle) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      const timer = setTimeout(() => settle(GOOD), Math.min(SETTLE_MS, timeoutMs / 2));
      socket.once('close', () => clearTimeout(timer));
    });
    socket.once('data', () => settle(GOOD));
    socket.once('end', () => settle(bad('the connection was closed at once')));
    socket.on('error', (error) => settle(bad(describeError(error))));
    return socket;
  });

const http: Probe['http'] = (url, timeoutMs, signal, headers) =>
  settleWithin(timeoutMs, signal, (settle) => {
    // No agent, because a kept connection would reach the process of the last probe, not the current one.
    const options = { agent: false, headers: { 'user-agent': 'supercargo', ...headers } };
    const request = get(url, options, (response) => {
      const status = response.statusCode ?? 0;
      settle(status >= 200 && status < 400 ? GOOD : bad(`it answered ${status}`));
    });
    request.on('error', (error) => settle(bad(describeError(error))));
    return request;
  });

export const createProbe = (): Probe => ({ tcp, http });
