import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import type Dockerode from 'dockerode';

/** Questions to an engine: GET, over connections that stay open. */
export interface Ask {
  /** The body of an answer. @throws like dockerode: what is no 200 has `statusCode` and `json` */
  readonly bytes: (path: string, signal?: AbortSignal) => Promise<Buffer>;
  /** The same as text. */
  readonly text: (path: string, signal?: AbortSignal) => Promise<string>;
  /** An answer that goes on as long as somebody reads it. */
  readonly stream: (path: string, signal: AbortSignal) => Promise<IncomingMessage>;
}

/** As many at once as an engine answers quickly; after a burst only a few connections are kept. */
const SOCKETS = { keepAlive: true, maxSockets: 16, maxFreeSockets: 2 };

/**
 * By node:http alone. dockerode is for the steps: it puts the options of each request into words for a debug
 * line that nobody reads and connects anew each time, which took a third of an idle tick, and loading it a
 * fifth of the memory.
 */
export const createAsk = async (
  options: Dockerode.DockerOptions,
  prefix: string,
  limitMs: number,
): Promise<Ask> => {
  const { socketPath, host, port, ca, cert, key } = options;
  // TLS takes 5 MB to load.
  const { Agent, request } = options.protocol === 'https' ? (await import('node:https')).default : http;
  // Engines never close one: those of before a reconnect would stay as long as the agent lives.
  const agent = new Agent({ ...SOCKETS, timeout: limitMs });
  const to = socketPath === undefined ? { host, port, ca, cert, key } : { socketPath };

  const open = (path: string, more: RequestOptions): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const asked = request({ ...to, ...more, path: `${prefix}${path}` } as RequestOptions, resolve);
    asked.on('timeout', () => asked.destroy(silence(limitMs)));
    asked.on('error', (error) => {
      // The engine closed a kept connection at that very moment: this question never reached it.
      if (asked.reusedSocket && isClosed(error)) resolve(open(path, more));
      else reject(error);
    });
    asked.end();
    return promise;
  };

  const bytes: Ask['bytes'] = async (path, signal) => {
    const answer = await open(path, { agent, timeout: limitMs, ...(signal && { signal }) });
    const body = await buffer(answer).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
    if (answer.statusCode === 200) return body;
    throw refusal(answer.statusCode ?? 0, body.toString());
  };

  return {
    bytes,
    text: async (path, signal) => (await bytes(path, signal)).toString(),
    stream: async (path, signal) => {
      const answer = await open(path, { agent: false, signal });
      if (answer.statusCode === 200) return answer;
      throw refusal(answer.statusCode ?? 0, await text(answer));
    },
  };
};

const isClosed = (error: Error): boolean =>
  ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');

const silence = (limitMs: number): Error =>
  Object.assign(new Error(`no answer within ${String(limitMs / 1000)} s`), { code: 'ETIMEDOUT' });

const refusal = (statusCode: number, body: string): Error => {
  try {
    const json: unknown = JSON.parse(body);
    return Object.assign(new Error(body.trim()), { statusCode, json });
  } catch {
    return Object.assign(new Error(body.trim()), { statusCode });
  }
};
