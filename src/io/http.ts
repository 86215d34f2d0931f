import { once } from 'node:events';
import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import type { Response } from 'got';
import type { Connections, HttpAgents } from './connections.ts';
import type { TlsMaterial } from './tls-files.ts';

/** In milliseconds; an absent member means no limit. */
export interface Timeouts {
  /** For each of DNS lookup, connection and TLS handshake. */
  readonly connectMs: number;
  readonly sendMs?: number;
  /** Until the response begins. */
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
  /** Uses Node's global agent, which obeys HTTP_PROXY under NODE_USE_ENV_PROXY. */
  readonly allowsProxy?: boolean;
  /**
   * Takes a connection from here and gives it back; without it the request opens one of its own. Only for
   * requests that may arrive twice: one that meets a connection which the server has just closed is repeated.
   */
  readonly connections?: Connections;
}

export interface AnswerHead {
  readonly status: number;
  /** Takes a name in lower case; returns the first value. */
  readonly header: (name: string) => string | undefined;
}

export interface HttpAnswer extends AnswerHead {
  /** One byte longer than the limit if the body exceeds it; empty if the limit is 0. */
  readonly body: Buffer;
}

/** An answer with an unread body. The caller must close it. */
export interface OpenAnswer extends AnswerHead {
  readonly body: AsyncIterable<Uint8Array>;
  /** Whether the connection serves the next request once the body was read. */
  readonly isKept: boolean;
  readonly close: () => void;
}

/** Leaves out the query, which may hold a pre-signed secret. */
export const showUrl = (url: URL): string => `${url.origin}${url.pathname}`;

/** got takes 9 MB of memory and TLS 5 MB, so they load at the first request. */
const load = async () => {
  const { default: got } = await import('got');
  const { default: https } = await import('node:https');
  return { got, HttpsAgent: https.Agent };
};

/** Answers of status 1xx before the real one. They count as a sign of life, so that no timeout ends them. */
const MOST_INTERIM = 16;

const ownAgents = async (): Promise<HttpAgents> => {
  const { HttpsAgent } = await load();
  return { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };
};

/** How a server ends a connection that it has kept for long enough. */
const CLOSED: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

const isClosed = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && CLOSED.has(error.code);

/**
 * Sends one request, without redirects and retries. Rejects with the error of the transport, which carries
 * the request with its credentials: never log it. Why got has these settings:
 * - its retries would multiply with the caller's, and a repeated PUT may overwrite a later document: off;
 * - its redirects treat https→http of one host as the same origin and keep the credentials: off;
 * - its promise buffers a body of any size: the body is a stream, and its bytes are counted;
 * - a compressed body can grow a thousandfold past a limit on the bytes sent: compression is off;
 * - without an agent it uses Node's global one, which obeys proxies of the environment: own agents, one for
 *   each request unless connections are kept;
 * - before a request other than GET it waits for a body: without one the stream is ended at once.
 */
export const openExchange = async (request: HttpRequest, signal: AbortSignal): Promise<OpenAnswer> => {
  const { tls = {}, body, allowsProxy = false, connections } = request;
  if (allowsProxy) return openOnce(request, { agents: undefined, isKept: false }, signal);
  const unkept = async () => openOnce(request, { agents: await ownAgents(), isKept: false }, signal);
  if (!connections) return unkept();
  const agents = await connections.agents(tls);
  const trace = { isReused: false };
  try {
    return await openOnce(request, { agents, isKept: true, trace }, signal);
  } catch (error) {
    // A server may close a silent connection in the moment in which a request comes.
    const isRepeatable = trace.isReused && isClosed(error) && !(body instanceof Readable);
    if (!isRepeatable) throw error;
    return unkept();
  }
};

interface Carrier {
  /** Undefined: Node's global ones. */
  readonly agents: HttpAgents | undefined;
  readonly isKept: boolean;
  /** Set where the request fails. */
  readonly trace?: { isReused: boolean };
}

const openOnce = async (
  request: HttpRequest,
  { agents, isKept, trace }: Carrier,
  signal: AbortSignal,
): Promise<OpenAnswer> => {
  const { method = 'GET', url, headers, body, tls = {}, timeouts } = request;
  const { connectMs, sendMs, responseMs, silenceMs, requestMs } = timeouts;
  const { got } = await load();
  const stream = got.stream(url, {
    method,
    ...(body !== undefined && { body }),
    ...(agents && { agent: agents }),
    decompress: false,
    followRedirect: false,
    headers: { 'user-agent': 'supercargo', 'accept-encoding': 'identity', ...headers },
    // Kept agents have it already.
    ...(!isKept && { https: tls }),
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
    if (isKept) return;
    agents?.http.destroy();
    agents?.https.destroy();
  };
  // The reader gets errors too, but without a listener one before or after reading would end the process.
  stream.on('error', () => undefined);
  let interim = 0;
  stream.on('request', (sent: ClientRequest) => {
    sent.on('information', () => {
      interim += 1;
      if (interim > MOST_INTERIM) stream.destroy(new Error('the server sends interim answers without end'));
    });
  });
  if (body === undefined && method !== 'GET' && method !== 'HEAD') stream.end();
  try {
    const [{ statusCode, headers: sent }] = (await once(stream, 'response')) as [Response];
    const header = (name: string): string | undefined => [sent[name] ?? []].flat()[0];
    return { status: statusCode, header, body: stream, isKept, close };
  } catch (error) {
    if (trace) trace.isReused = stream.reusedSocket ?? false;
    close();
    throw error;
  }
};

/** Reading a longer body to its end costs more than a new connection. */
const SHORT_BYTES = 8 * 1024;

/** Reads a body that is short or absent, so that its connection can serve the next request. */
const skipShort = async ({ status, header, body, isKept }: OpenAnswer): Promise<void> => {
  const isEmpty = status === 204 || status === 304;
  if (!isKept || !(isEmpty || Number(header('content-length') ?? Infinity) <= SHORT_BYTES)) return;
  try {
    let length = 0;
    for await (const chunk of body) {
      length += chunk.length;
      if (length > SHORT_BYTES) return;
    }
  } catch {
    // The answer counts, and its connection is closed.
  }
};

/** Reads the body up to the limit, so that an endless body cannot fill the memory. Closes the answer. */
export const readAnswer = async (answer: OpenAnswer, maxBytes: number): Promise<HttpAnswer> => {
  const { status, header, body, close } = answer;
  const chunks: Uint8Array[] = [];
  try {
    if (maxBytes === 0) {
      await skipShort(answer);
      return { status, header, body: Buffer.alloc(0) };
    }
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

/** Like `openExchange`, with the body. `maxBytes` depends on the status: an error's body is short. */
export const exchange = async (
  request: HttpRequest,
  maxBytes: (status: number) => number,
  signal: AbortSignal,
): Promise<HttpAnswer> => {
  const answer = await openExchange(request, signal);
  return readAnswer(answer, maxBytes(answer.status));
};
