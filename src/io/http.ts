import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import type { Readable } from 'node:stream';
import type { Response } from 'got';
import type { TlsMaterial } from './tls-files.ts';

/** Milliseconds. What is absent has no limit. */
export interface Timeouts {
  /** For each of the name, the connection and the TLS handshake. */
  readonly connectMs: number;
  readonly sendMs?: number;
  /** Until the answer begins. */
  readonly responseMs?: number;
  /** Without a byte in either direction. */
  readonly silenceMs?: number;
  /** For the whole exchange. */
  readonly requestMs?: number;
}

export interface HttpRequest {
  /** GET unless given. */
  readonly method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream needs a `content-length` among the headers. */
  readonly body?: string | Uint8Array | Readable;
  readonly tls?: TlsMaterial;
  readonly timeouts: Timeouts;
  /** Takes Node's own agent, which obeys HTTP_PROXY under NODE_USE_ENV_PROXY. */
  readonly allowsProxy?: boolean;
}

export interface AnswerHead {
  readonly status: number;
  /** Names in lower case; the first value of a header. */
  readonly header: (name: string) => string | undefined;
}

export interface HttpAnswer extends AnswerHead {
  /** One byte more than the limit where the body is longer; empty where the limit is 0. */
  readonly body: Buffer;
}

/** An answer whose body is still to come. The caller has to close it. */
export interface OpenAnswer extends AnswerHead {
  readonly body: AsyncIterable<Uint8Array>;
  readonly close: () => void;
}

/** Without the query: it may hold a pre-signed secret. */
export const showUrl = (url: URL): string => `${url.origin}${url.pathname}`;

/** got takes 9 MB to load, and TLS 5: only a program that asks a server loads them. */
const load = async () => {
  const { default: got } = await import('got');
  const { default: https } = await import('node:https');
  return { got, HttpsAgent: https.Agent };
};

/**
 * One request: nothing is followed, nothing is tried again. Rejects with the error of the transport, which
 * carries the request with its credentials: never log it. The traps of got that this file knows:
 * - its own retries would multiply with the caller's, and a PUT that is sent twice may overwrite what came
 *   between: off;
 * - its redirects call https→http of one host the same origin and keep the credentials: off, callers follow;
 * - a promise of got buffers the whole body, whatever its size: a stream, counted;
 * - it would ask for compressed bodies, which can grow a thousandfold past a count of the bytes sent: off;
 * - without an agent it takes Node's global one, which obeys proxies of the environment: agents of our own;
 * - it waits for the body of a DELETE until it is told that there is none.
 */
export const openExchange = async (wanted: HttpRequest, signal: AbortSignal): Promise<OpenAnswer> => {
  const { method = 'GET', url, headers, body, tls = {}, timeouts, allowsProxy = false } = wanted;
  const { connectMs, sendMs, responseMs, silenceMs, requestMs } = timeouts;
  const { got, HttpsAgent } = await load();
  const agents = allowsProxy
    ? undefined
    : { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };
  const stream = got.stream(url, {
    method,
    ...(body !== undefined && { body }),
    ...(agents && { agent: agents }),
    decompress: false,
    followRedirect: false,
    headers: { 'user-agent': 'supercargo', 'accept-encoding': 'identity', ...headers },
    https: tls,
    retry: { limit: 0 },
    strictContentLength: true,
    throwHttpErrors: false,
    timeout: {
      lookup: connectMs,
      connect: connectMs,
      secureConnect: connectMs,
      ...(sendMs !== undefined && { send: sendMs }),
      ...(responseMs !== undefined && { response: responseMs }),
      ...(silenceMs !== undefined && { socket: silenceMs }),
      ...(requestMs !== undefined && { request: requestMs }),
    },
    signal,
  });
  const close = (): void => {
    stream.destroy();
    agents?.http.destroy();
    agents?.https.destroy();
  };
  // The reader is told of an error as well; one that comes before or after it reads would end the program.
  stream.on('error', () => undefined);
  if (method === 'DELETE') stream.end();
  try {
    const [{ statusCode, headers: sent }] = (await once(stream, 'response')) as [Response];
    return { status: statusCode, header: (name) => [sent[name] ?? []].flat()[0], body: stream, close };
  } catch (error) {
    close();
    throw error;
  }
};

/** Ends the transfer at the limit: an endless answer costs no more memory than that. Closes the answer. */
export const readAnswer = async (answer: OpenAnswer, maxBytes: number): Promise<HttpAnswer> => {
  const { status, header, body, close } = answer;
  const chunks: Uint8Array[] = [];
  try {
    if (maxBytes === 0) return { status, header, body: Buffer.alloc(0) };
    let length = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
    return { status, header, body: Buffer.concat(chunks).subarray(0, maxBytes + 1) };
  } finally {
    close();
  }
};

/** As `openExchange`, with the body. `maxBytes` may depend on the status: the body of a refusal is short. */
export const exchange = async (
  wanted: HttpRequest,
  maxBytes: (status: number) => number,
  signal: AbortSignal,
): Promise<HttpAnswer> => {
  const answer = await openExchange(wanted, signal);
  return readAnswer(answer, maxBytes(answer.status));
};
