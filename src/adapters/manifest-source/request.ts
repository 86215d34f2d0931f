import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import type { Response } from 'got';
import { DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import type { TlsMaterial } from './tls-files.ts';

/** Milliseconds. `request` covers everything, redirects included. */
export interface Timeouts {
  readonly connectMs: number;
  readonly responseMs: number;
  readonly requestMs: number;
}

export interface Request {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  readonly timeouts: Timeouts;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; the first value of a header. */
  readonly header: (name: string) => string | undefined;
  /** Empty unless the status is 200; one byte more than the cap where the body is longer. */
  readonly body: Uint8Array;
}

/** Ends the transfer at the cap: an endless answer costs no more memory than that. */
const readCapped = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > DOCUMENT_CAP_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, DOCUMENT_CAP_BYTES + 1);
};

/**
 * One GET, nothing followed, nothing tried again. Rejects with the error of the transport. The traps of got
 * 14 that this file knows:
 * - its own retries would multiply with the loop's: off;
 * - its redirects call https→http of one host the same origin and keep the credentials: off, `http-source.ts`
 *   follows;
 * - a promise of got buffers the whole body, whatever its size: a stream, counted;
 * - it would ask for compressed bodies, which can grow a thousandfold past a count of the bytes sent: off;
 * - it takes 9 MB to load, and TLS 5: only who asks a server loads them;
 * - without an agent it takes the global one, which obeys HTTP_PROXY under NODE_USE_ENV_PROXY: agents of our
 *   own.
 */
export const request = async (wanted: Request, signal: AbortSignal): Promise<Answer> => {
  const { connectMs, responseMs, requestMs } = wanted.timeouts;
  const [{ got }, { default: https }] = await Promise.all([import('got'), import('node:https')]);
  const agent = { http: new HttpAgent({ keepAlive: false }), https: new https.Agent({ keepAlive: false }) };
  const stream = got.stream(wanted.url, {
    agent,
    decompress: false,
    followRedirect: false,
    headers: { 'user-agent': 'supercargo', 'accept-encoding': 'identity', ...wanted.headers },
    https: wanted.tls,
    retry: { limit: 0 },
    strictContentLength: true,
    throwHttpErrors: false,
    timeout: {
      lookup: connectMs,
      connect: connectMs,
      secureConnect: connectMs,
      response: responseMs,
      request: requestMs,
    },
    signal,
  });
  // The reader below is told of an error as well; one that comes before or after it reads would end the
  // daemon.
  stream.on('error', () => undefined);
  try {
    const [response] = (await once(stream, 'response')) as [Response];
    const body = response.statusCode === 200 ? await readCapped(stream) : new Uint8Array();
    const header = (name: string): string | undefined => [response.headers[name] ?? []].flat()[0];
    return { status: response.statusCode, header, body };
  } finally {
    stream.destroy();
    agent.http.destroy();
    agent.https.destroy();
  }
};
