import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AgentError, messageOf } from '../../core/errors.ts';
import { archivePath } from '../../core/fleet/store-layout.ts';
import type { Archive } from '../../core/image/archive.ts';
import type { ImageArchives } from '../../core/ports/image-archives.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { openExchange, showUrl, type OpenAnswer, type Timeouts } from '../../io/http.ts';
import { readAgentTlsFiles } from '../../io/tls-files.ts';
import { readCredentials } from './credentials.ts';
import type { ManifestSourceOptions } from './manifest-source.ts';

/** A large archive may take any time as long as bytes arrive. */
const TIMEOUTS: Timeouts = { connectMs: 10_000, responseMs: 60_000, silenceMs: 60_000 };

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
  const authorization =
    credentialsFile === undefined ? undefined : await readCredentials(credentialsFile, signal);
  const material = await readAgentTlsFiles(tls, signal);
  const headers = authorization === undefined ? {} : { authorization };
  let answer: OpenAnswer | undefined;
  try {
    answer = await openExchange({ url, headers, tls: material, timeouts: TIMEOUTS }, signal);
    if (answer.status !== 200) {
      const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
      throw fault(`it answers ${String(answer.status)}`, retryAfterMs);
    }
    yield* answer.body;
  } catch (error) {
    signal.throwIfAborted();
    // got's error is not kept as the cause, because it carries the request with its credentials.
    throw error instanceof AgentError ? error : fault(messageOf(error));
  } finally {
    answer?.close();
  }
}

/**
 * Reads archives beside the manifests, in `BASE/archives/` if the manifest is `BASE/manifests/ENV.json`, with
 * the same login and certificates.
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
