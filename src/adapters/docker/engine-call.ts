import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import type Dockerode from 'dockerode';

/** GET requests to an engine, over kept connections. */
export interface Ask {
  /**
   * Returns the body of a response.
   * @throws like dockerode: any status but 200 has `statusCode` and `json`
   */
  readonly bytes: (path: string, signal?: AbortSignal) => Promise<Buffer>;
  readonly text: (path: string, signal?: AbortSignal) => Promise<string>;
  /** Returns a response without end, such as the events. */
  readonly stream: (path: string, signal: AbortSignal) => Promise<IncomingMessage>;
}

/** An engine answers this many requests at once quickly; few connections stay open after a burst. */
const SOCKETS = { keepAlive: true, maxSockets: 16, maxFreeSockets: 2 };

/**
 * Uses node:http and not dockerode, which inspects the options of each request for a log that is off and
 * connects anew each time: a third of an idle tick's CPU, and a fifth of the memory.
 */
export const createAsk = async (
  options: Dockerode.DockerOptions,
  prefix: string,
  limitMs: number,
): Promise<Ask> => {
  const { socketPath, host, port, ca, cert, key } = options;
  // TLS takes 5 MB of memory.
  const { Agent, request } = options.protocol === 'https' ? (await import('node:https')).default : http;
  // Engines never close a connection, so those from before a reconnect would stay open.
  const agent = new Agent({ ...SOCKETS, timeout: limitMs });
  const to = socketPath === undefined ? { host, port, ca, cert, key } : { socketPath };

  const open = (path: string, more: RequestOptions): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const asked = request({ ...to, ...more, path: `${prefix}${path}` } as RequestOptions, resolve);
    asked.on('timeout', () => asked.destroy(silence(limitMs)));
    asked.on('error', (error) => {
      // The engine closed the kept connection just then, so the request never reached it.
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
