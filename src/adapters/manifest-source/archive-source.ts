import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AgentError, messageOf } from '../../core/errors.ts';
import { archivePath } from '../../core/fleet/store-layout.ts';
import type { Archive } from '../../core/image/archive.ts';
import type { ImageArchives } from '../../core/ports/image-archives.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { openExchange, showUrl, type OpenAnswer, type Timeouts } from '../../io/http.ts';
import { describeFailures, retryAfterOf, type HubAnswer } from '../../io/hub-failover.ts';
import { readAgentTlsFiles, type TlsMaterial } from '../../io/tls-files.ts';
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

/** Opens an archive at one hub. Its digest proves it, so another hub is asked after any other answer. */
const openAt = async (
  url: URL,
  headers: Readonly<Record<string, string>>,
  tls: TlsMaterial,
  signal: AbortSignal,
): Promise<HubAnswer<OpenAnswer | AgentError>> => {
  try {
    const answer = await openExchange({ url, headers, tls, timeouts: TIMEOUTS }, signal);
    if (answer.status === 200) return { kind: 'answered', value: answer };
    const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
    answer.close();
    const reason = `it answers ${String(answer.status)}`;
    return { kind: 'failing', value: fault(reason, retryAfterMs), reason, retryAfterMs };
  } catch (error) {
    signal.throwIfAborted();
    // got's error is not kept as the cause, because it carries the request with its credentials.
    const reason = messageOf(error);
    return { kind: 'unreachable', value: fault(reason), reason };
  }
};

/** @throws AgentError STORE that names each hub, if there are several */
const openAtAny = async (
  { hubs, credentialsFile, tls = {} }: ManifestSourceOptions,
  urlOf: (manifest: string) => URL,
  signal: AbortSignal,
): Promise<OpenAnswer> => {
  const authorization =
    credentialsFile === undefined ? undefined : await readCredentials(credentialsFile, signal);
  const material = await readAgentTlsFiles(tls, signal);
  const headers = authorization === undefined ? {} : { authorization };
  const opened = await hubs.ask((manifest) => openAt(urlOf(manifest), headers, material, signal));
  if (opened.kind === 'failed') {
    const { failures } = opened;
    const [{ value }] = failures;
    throw failures.length === 1 && value instanceof AgentError
      ? value
      : fault(describeFailures(failures), retryAfterOf(failures).retryAfterMs);
  }
  if (opened.value instanceof AgentError) throw opened.value;
  return opened.value;
};

async function* readHttp(
  options: ManifestSourceOptions,
  urlOf: (manifest: string) => URL,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const answer = await openAtAny(options, urlOf, signal);
  try {
    yield* answer.body;
  } catch (error) {
    signal.throwIfAborted();
    throw fault(messageOf(error));
  } finally {
    answer.close();
  }
}

const urlFor =
  ({ digest }: Archive) =>
  (manifest: string): URL =>
    new URL(`../${archivePath(digest)}`, manifest);

/**
 * Reads archives beside the manifests, in `BASE/archives/` if the manifest is `BASE/manifests/ENV.json`, with
 * the same login and certificates.
 */
export const createArchiveSource = (options: ManifestSourceOptions): ImageArchives => {
  const { hubs } = options;
  return {
    nameOf: (archive) => {
      const url = urlFor(archive)(hubs.current());
      return url.protocol === 'file:' ? url.href : showUrl(url);
    },
    open: (archive, signal) => {
      const urlOf = urlFor(archive);
      const url = urlOf(hubs.current());
      return url.protocol === 'file:' ? readFile(url) : readHttp(options, urlOf, signal);
    },
  };
};
