import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import type { Response } from 'got';

/** PEM texts. */
export interface TlsMaterial {
  readonly certificateAuthority?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** Milliseconds. `request` covers everything. */
export interface Timeouts {
  readonly connectMs: number;
  readonly responseMs: number;
  readonly requestMs: number;
}

export interface Put {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly tls: TlsMaterial;
  readonly timeouts: Timeouts;
}

export interface PutAnswer {
  readonly status: number;
  /** Names in lower case; the first value of a header. */
  readonly header: (name: string) => string | undefined;
  /** What a refusal says; cut. */
  readonly text: string;
}

const ANSWER_CAP_BYTES = 8 * 1024;

const readCapped = async (stream: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > ANSWER_CAP_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_CAP_BYTES).toString('utf8');
};

/**
 * One PUT, nothing followed, nothing tried again. Rejects with the error of the transport. The traps of got
 * 14 are those of `manifest-source/request.ts`: its retries, redirects, buffers and the proxies of the
 * environment are all off.
 */
export const put = async (wanted: Put, signal: AbortSignal): Promise<PutAnswer> => {
  const { connectMs, responseMs, requestMs } = wanted.timeouts;
  const [{ got }, { default: https }] = await Promise.all([import('got'), import('node:https')]);
  const agent = { http: new HttpAgent({ keepAlive: false }), https: new https.Agent({ keepAlive: false }) };
  const stream = got.stream(wanted.url, {
    method: 'PUT',
    body: wanted.body,
    agent,
    decompress: false,
    followRedirect: false,
    headers: { 'user-agent': 'supercargo', 'accept-encoding': 'identity', ...wanted.headers },
    https: wanted.tls,
    retry: { limit: 0 },
    throwHttpErrors: false,
    timeout: {
      lookup: connectMs,
      connect: connectMs,
      secureConnect: connectMs,
      send: responseMs,
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
    const { statusCode: status, headers } = response;
    const header = (name: string): string | undefined => [headers[name] ?? []].flat()[0];
    return { status, header, text: status < 300 ? '' : await readCapped(stream) };
  } finally {
    stream.destroy();
    agent.http.destroy();
    agent.https.destroy();
  }
};
