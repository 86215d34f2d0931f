import { once } from 'node:events';
import { got, type Response } from 'got';
import { AgentError, messageOf } from '../../core/errors.ts';

export interface RegistryAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

/** One that goes on: its body is still to come. Whoever does not read it has to close it. */
export interface OpenAnswer extends Omit<RegistryAnswer, 'body'> {
  readonly body: AsyncIterable<Uint8Array>;
  readonly close: () => void;
}

export interface RegistryRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A form is posted (OAuth 2); absent: GET. */
  readonly form?: Readonly<Record<string, string>>;
}

/** What registries allow a manifest to be (distribution spec, "Pushing Manifests"). */
export const CAP_BYTES = 4 * 1024 * 1024;
const LIMIT_MS = 30_000;

/**
 * One request; nothing is followed, nothing is tried again. Only the abort of the signal rejects otherwise.
 * @throws AgentError REGISTRY
 */
export const request = async (wanted: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> => {
  try {
    return await exchange(wanted, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(wanted.url, error);
  }
};

const unreachable = ({ origin }: URL, error: unknown): AgentError =>
  new AgentError('REGISTRY', `cannot reach ${origin}: ${messageOf(error)}`, {
    retry: 'later',
    advice: 'check the name of the registry, the network and its certificate; nothing was published',
  });

const exchange = async (
  { url, headers, form }: RegistryRequest,
  signal: AbortSignal,
): Promise<RegistryAnswer> => {
  const stream = got.stream(url, {
    method: form ? 'POST' : 'GET',
    ...(form && { body: new URLSearchParams(form).toString() }),
    headers: {
      'user-agent': 'supercargo',
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    followRedirect: false,
    retry: { limit: 0 },
    throwHttpErrors: false,
    timeout: { lookup: LIMIT_MS, connect: LIMIT_MS, secureConnect: LIMIT_MS, request: LIMIT_MS },
    signal,
  });
  // The reader below is told of an error as well; one that comes before or after it reads would end the
  // program.
  stream.on('error', () => undefined);
  try {
    const [response] = (await once(stream, 'response')) as [Response];
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > CAP_BYTES) break;
    }
    return {
      status: response.statusCode,
      header: (name) => [response.headers[name] ?? []].flat()[0],
      body: Buffer.concat(chunks),
    };
  } finally {
    stream.destroy();
  }
};

/** A layer may take as long as it likes while something arrives. */
const SILENCE_MS = 60_000;

/** As `request`, for content of any size: nothing of it is kept. */
export const openRequest = async (
  { url, headers }: RegistryRequest,
  signal: AbortSignal,
): Promise<OpenAnswer> => {
  const stream = got.stream(url, {
    headers: { 'user-agent': 'supercargo', 'accept-encoding': 'identity', ...headers },
    decompress: false,
    followRedirect: false,
    retry: { limit: 0 },
    strictContentLength: true,
    throwHttpErrors: false,
    timeout: {
      lookup: LIMIT_MS,
      connect: LIMIT_MS,
      secureConnect: LIMIT_MS,
      socket: SILENCE_MS,
      response: SILENCE_MS,
    },
    signal,
  });
  stream.on('error', () => undefined);
  try {
    const [response] = (await once(stream, 'response')) as [Response];
    return {
      status: response.statusCode,
      header: (name) => [response.headers[name] ?? []].flat()[0],
      body: stream,
      close: () => void stream.destroy(),
    };
  } catch (error) {
    stream.destroy();
    signal.throwIfAborted();
    throw unreachable(url, error);
  }
};
