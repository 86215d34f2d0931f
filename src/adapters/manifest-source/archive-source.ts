import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Response } from 'got';
import { AgentError, messageOf } from '../../core/errors.ts';
import { archivePath } from '../../core/fleet/store-layout.ts';
import type { Archive } from '../../core/image/archive.ts';
import type { ImageArchives } from '../../core/ports/image-archives.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { readCredentials } from './credentials.ts';
import { showUrl } from './http-failure.ts';
import { readTlsFiles } from './tls-files.ts';
import type { ManifestSourceOptions } from './manifest-source.ts';

const CONNECT_MS = 10_000;
/** A large archive takes as long as it takes while something arrives. */
const SILENCE_MS = 60_000;

const fault = (reason: string, retryAfterMs?: number): AgentError =>
  new AgentError('STORE', `it cannot be read: ${reason}`, {
    retry: 'later',
    advice: 'look at the store of manifests: archives are kept beside them',
    ...(retryAfterMs !== undefined && { fields: { retryAfterMs } }),
  });

async function* readFile(url: URL): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(fileURLToPath(url)) as AsyncIterable<Uint8Array>;
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw fault(isAbsent ? 'there is no such file' : messageOf(error));
  }
}

async function* readHttp(
  url: URL,
  { credentialsFile, tls = {} }: ManifestSourceOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const [{ got }, { default: https }] = await Promise.all([import('got'), import('node:https')]);
  const agent = { http: new HttpAgent({ keepAlive: false }), https: new https.Agent({ keepAlive: false }) };
  const authorization =
    credentialsFile === undefined ? undefined : await readCredentials(credentialsFile, signal);
  // The traps that `request.ts` knows hold here too.
  const stream = got.stream(url, {
    agent,
    decompress: false,
    followRedirect: false,
    headers: {
      'user-agent': 'supercargo',
      'accept-encoding': 'identity',
      ...(authorization !== undefined && { authorization }),
    },
    https: await readTlsFiles(tls, signal),
    retry: { limit: 0 },
    strictContentLength: true,
    throwHttpErrors: false,
    timeout: {
      lookup: CONNECT_MS,
      connect: CONNECT_MS,
      secureConnect: CONNECT_MS,
      response: SILENCE_MS,
      socket: SILENCE_MS,
    },
    signal,
  });
  stream.on('error', () => undefined);
  try {
    const [response] = (await once(stream, 'response')) as [Response];
    if (response.statusCode !== 200) {
      const [after] = [response.headers['retry-after'] ?? []].flat();
      throw fault(`it answers ${String(response.statusCode)}`, parseRetryAfter(after, Date.now()));
    }
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    signal.throwIfAborted();
    // The library's error is not kept as the cause: it carries the request with its credentials.
    throw error instanceof AgentError ? error : fault(messageOf(error));
  } finally {
    stream.destroy();
    agent.http.destroy();
    agent.https.destroy();
  }
}

/**
 * Archives beside the manifests: `BASE/archives/` where the manifest is `BASE/manifests/ENV.json`, with the
 * same login and certificates.
 */
export const createArchiveSource = (options: ManifestSourceOptions): ImageArchives => {
  const urlOf = ({ digest }: Archive): URL => new URL(`../${archivePath(digest)}`, options.url);
  return {
    nameOf: (archive) => {
      const url = urlOf(archive);
      return url.protocol === 'file:' ? url.href : showUrl(url);
    },
    open: (archive, signal) => {
      const url = urlOf(archive);
      return url.protocol === 'file:' ? readFile(url) : readHttp(url, options, signal);
    },
  };
};
