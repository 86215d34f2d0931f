import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { AgentError } from '../../core/errors.ts';
import type { Archive } from '../../core/image/archive.ts';
import type { Digest, ImageId } from '../../core/image/reference.ts';
import type { ImageArchives } from '../../core/ports/image-archives.ts';
import type { PullProgress } from '../../core/ports/engine.ts';
import type { Image } from '../../core/state/actual.ts';
import { toEngineError } from './engine-error.ts';
import { linesOf } from './split-lines.ts';
import { inspectImage } from './local-image.ts';
import { verifiedArchive } from './verified-archive.ts';

/** The longest time without progress. Unpacking a large layer is silent. */
const SILENCE_MS = 600_000;

export interface ArchivedRelease {
  readonly archive: Archive;
  readonly digest: Digest;
  readonly imageId: ImageId;
}

/**
 * Streams an archive into the engine and verifies it on the way. Memory holds one chunk at a time, our disk
 * nothing. Returns the image, which has no name yet.
 * @throws AgentError IMAGE_MISMATCH, STORE, CREDENTIALS, DISK_FULL, ENGINE …
 */
export const loadArchive = async (
  docker: Dockerode,
  archives: ImageArchives,
  { archive, digest, imageId }: ArchivedRelease,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<Image> => {
  const what = 'the engine cannot load it';
  const end = new AbortController();
  const both = AbortSignal.any([signal, end.signal]);
  let fault: unknown;
  const timer = setTimeout(() => end.abort(), SILENCE_MS).unref();
  const rearm = (): void => void timer.refresh();
  async function* judged(): AsyncGenerator<Uint8Array> {
    let bytesDone = 0;
    try {
      const source = archives.open(archive, both);
      for await (const part of verifiedArchive(source, archive, { root: digest, imageId })) {
        rearm();
        bytesDone += part.length;
        onProgress({ layersDone: 0, layersTotal: 1, bytesDone, bytesTotal: archive.bytes });
        yield part;
      }
    } catch (error) {
      // Cuts the connection, so that the engine discards the incomplete archive.
      fault ??= error;
      end.abort();
      throw error;
    }
  }
  const content = Readable.from(judged(), { objectMode: false });
  content.on('error', () => undefined);
  try {
    const answer = await docker.loadImage(content, { quiet: false, abortSignal: both });
    await readAnswer(answer as Readable, rearm);
  } catch (error) {
    signal.throwIfAborted();
    if (fault instanceof AgentError) throw fault;
    throw end.signal.aborted && fault === undefined ? silent(what) : toEngineError(fault ?? error, what);
  } finally {
    clearTimeout(timer);
    content.destroy();
  }
  // With the containerd store the id is the digest of the manifest or index.
  const local = (await inspectImage(docker, imageId, signal)) ?? (await inspectImage(docker, digest, signal));
  if (local && [imageId, digest].some((id) => (local.id as string) === id)) return local;
  throw new AgentError(
    'IMAGE_MISMATCH',
    `the engine made ${local?.id ?? 'nothing'} of the archive of ${imageId}`,
    {
      advice: 'see the log of the Docker daemon (journalctl -u docker)',
    },
  );
};

const silent = (what: string): AgentError =>
  new AgentError('ENGINE', `${what}: it did nothing for ${String(SILENCE_MS / 1000)} s`, {
    retry: 'later',
    advice: 'see the log of the Docker daemon (journalctl -u docker)',
  });

const readAnswer = async (answer: Readable, onLine: () => void): Promise<void> => {
  for await (const text of linesOf(answer)) {
    onLine();
    const said = errorIn(text);
    if (said !== undefined) throw new Error(said);
  }
};

const errorIn = (line: string): string | undefined => {
  try {
    const { error } = JSON.parse(line) as { error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
};
