import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { got, type Response } from 'got';

export interface TlsMaterial {
  readonly certificateAuthority?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface StoreRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Instead of `body`, of any size: with a `content-length` among the headers. */
  readonly upload?: Readable;
  readonly tls: TlsMaterial;
  /** Longer bodies are cut one byte past it. */
  readonly capBytes: number;
}

export interface StoreAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 30_000;
const REQUEST_MS = 120_000;
/** A large file takes as long as it takes while something moves; a server may check it before it answers. */
const UPLOAD_SILENCE_MS = 600_000;

const readCapped = async (stream: AsyncIterable<Uint8Array>, capBytes: number): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > capBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, capBytes + 1);
};

/**
 * One request; nothing is followed, nothing is tried again: a PUT that is sent twice may overwrite what came
 * between. Rejects with the error of the transport. A stream, since a promise of got would buffer an endless
 * answer.
 */
export const send = async (wanted: StoreRequest, signal: AbortSignal): Promise<StoreAnswer> => {
  const agent = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };
  const stream = got.stream(wanted.url, {
    method: wanted.method,
    agent,
    decompress: false,
    followRedirect: false,
    headers: { 'user-agent': 'supercargo', 'accept-encoding': 'identity', ...wanted.headers },
    ...(wanted.body && { body: Buffer.from(wanted.body) }),
    ...(wanted.upload && { body: wanted.upload }),
    https: wanted.tls,
    retry: { limit: 0 },
    throwHttpErrors: false,
    timeout: {
      lookup: CONNECT_MS,
      connect: CONNECT_MS,
      secureConnect: CONNECT_MS,
      ...(wanted.upload ? { socket: UPLOAD_SILENCE_MS } : { response: SILENCE_MS, request: REQUEST_MS }),
    },
    signal,
  });
  // The reader below is told of an error as well; one that comes before or after it reads would end the
  // program.
  stream.on('error', () => undefined);
  // A DELETE might have a body: got waits for one until it is told that there is none.
  if (wanted.method === 'DELETE') stream.end();
  try {
    const [response] = (await once(stream, 'response')) as [Response];
    const body = await readCapped(stream, wanted.capBytes);
    return {
      status: response.statusCode,
      header: (name) => [response.headers[name] ?? []].flat()[0],
      body,
    };
  } finally {
    stream.destroy();
    agent.http.destroy();
    agent.https.destroy();
  }
};
