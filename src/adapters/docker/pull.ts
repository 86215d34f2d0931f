import type Dockerode from 'dockerode';
import { AgentError } from '../../core/errors.ts';
import { mirrorsOf, type Mirror } from '../../core/image/mirror.ts';
import type { ImageOrigin, SkippedSource } from '../../core/image/image-origin.ts';
import { familiarName, formatImage, type Digest, type Repository } from '../../core/image/reference.ts';
import type { ImageArchives } from '../../core/ports/image-archives.ts';
import type { PullProgress } from '../../core/ports/engine.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import type { Image } from '../../core/state/actual.ts';
import type { ReleaseImage } from '../../core/state/release.ts';
import { loadArchive, type ArchivedRelease } from './load-archive.ts';
import { inspectImage, nameAt, tagImage, untagImage } from './local-image.ts';
import { pullStream, type Patience } from './pull-stream.ts';
import type { ErrorCode } from '../../core/vocabulary/error-codes.ts';

/** The sources of images, and the logins for them. */
export interface ImageSources {
  readonly credentials: RegistryCredentials;
  /** In the order to try. */
  readonly mirrors: readonly Mirror[];
  /** Absent if this host takes no archives. */
  readonly archives?: ImageArchives;
}

/** For the registry itself, which is the last source. */
const LAST: Patience = { silenceMs: 120_000, leastBytes: 0 };
/** For a mirror: one below 8 kB/s is no help. */
const NOT_LAST: Patience = { silenceMs: 60_000, leastBytes: 512 * 1024 };

interface Source {
  readonly kind: ImageOrigin['kind'];
  readonly name: string;
  readonly repository: Repository;
  readonly patience: Patience;
}

export interface PullOptions {
  readonly image: ReleaseImage;
  readonly keepAs?: string;
  /** @throws AgentError DISK_FULL if the engine's disk has less free space */
  readonly requireDiskSpace: (bytes: number) => Promise<void>;
}

interface PullCall {
  readonly docker: Dockerode;
  readonly credentials: RegistryCredentials;
  readonly image: ReleaseImage;
  readonly keepAs: string | undefined;
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Pulls an image and verifies it: from the first mirror that has it, else from its registry. Mirrors are
 * asked by digest alone, so they can only give the right bytes or none. During an outage of the registry it
 * loads the archive that was published with the image.
 */
export const pullImage = async (
  docker: Dockerode,
  { credentials, mirrors, archives }: ImageSources,
  { image, keepAs, requireDiskSpace }: PullOptions,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<ImageOrigin> => {
  const call: PullCall = { docker, credentials, image, keepAs, onProgress, signal };
  const { repository } = image.reference;
  const skipped: SkippedSource[] = [];
  for (const mirror of image.digest === undefined ? [] : mirrorsOf(mirrors, repository)) {
    const source = { ...mirror, kind: 'mirror', name: mirror.url, patience: NOT_LAST } as const;
    try {
      await pullFrom(source, call);
      return { kind: 'mirror', source: mirror.url, skipped };
    } catch (error) {
      if (!isOfSource(error)) throw error;
      skipped.push({ source: mirror.url, code: error.code, message: error.message });
    }
  }
  const name = repository.slice(0, repository.indexOf('/'));
  try {
    await pullFrom({ kind: 'registry', name, repository, patience: LAST }, call);
    return { kind: 'registry', source: name, skipped };
  } catch (error) {
    const archived = archivedIn(image);
    if (!archives || !archived || !isOutage(error)) throw withSkipped(error, skipped);
    skipped.push({ source: name, code: error.code, message: error.message });
    const source = archives.nameOf(archived.archive);
    try {
      await requireDiskSpace(archived.archive.bytes * UNPACKED);
      const local = await loadArchive(docker, archives, archived, onProgress, signal);
      await giveNames(call, local);
      return { kind: 'archive', source, skipped };
    } catch (failure) {
      signal.throwIfAborted();
      throw archiveFailed(error, failure, source, skipped.slice(0, -1));
    }
  }
};

/** An archive needs this multiple of its size on the engine's disk: packed and unpacked. */
const UNPACKED = 3;

const archivedIn = ({ archive, digest, imageId }: ReleaseImage): ArchivedRelease | undefined =>
  archive && digest !== undefined && imageId !== undefined ? { archive, digest, imageId } : undefined;

const OUTAGES: ReadonlySet<ErrorCode> = new Set(['REGISTRY', 'REGISTRY_AUTH', 'CREDENTIALS']);

/**
 * Whether the registry is unreachable. If it answers that it lacks the image, no archive counts: a publisher
 * could otherwise bring in an image that the registry never had.
 */
const isOutage = (error: unknown): error is AgentError =>
  error instanceof AgentError && OUTAGES.has(error.code);

/** A full disk is the error to report; any other error of the archive is added to the registry's. */
const archiveFailed = (
  error: AgentError,
  failure: unknown,
  source: string,
  skipped: readonly SkippedSource[],
): unknown => {
  if (!(failure instanceof AgentError)) return failure;
  if (failure.code === 'DISK_FULL' || failure.code === 'ENGINE_OFFLINE') return failure;
  const { code, message, fields } = failure;
  return withSkipped(error, [...skipped, { source, code, message }], fields);
};

const OF_SOURCE: ReadonlySet<ErrorCode> = new Set([
  'REGISTRY',
  'REGISTRY_AUTH',
  'CREDENTIALS',
  'IMAGE_NOT_FOUND',
  'IMAGE_MISMATCH',
]);

/** Whether another source may succeed. A full disk or an absent engine is not the source's fault. */
const isOfSource = (error: unknown): error is AgentError =>
  error instanceof AgentError && OF_SOURCE.has(error.code);

/** The registry's error decides; the errors of the mirrors before it are added for the reader. */
const withSkipped = (
  error: unknown,
  skipped: readonly SkippedSource[],
  more: AgentError['fields'] = {},
): unknown => {
  if (!(error instanceof AgentError) || skipped.length === 0) return error;
  const { code, message, retry, advice, cause } = error;
  const fields = { ...error.fields, ...more };
  const others = skipped.map((s) => `; ${s.source}: ${s.message}`).join('');
  return new AgentError(code, `${message}${others}`, {
    retry,
    fields,
    cause,
    ...(advice !== undefined && { advice }),
  });
};

/** Pulls the image under its name at this source; once verified, it gets its own names instead. */
const pullFrom = async (source: Source, call: PullCall): Promise<void> => {
  const { docker, image, signal } = call;
  const { reference, digest } = image;
  const { tag = 'latest' } = reference;
  const repository = familiarName(source.repository);
  const isMirror = source.kind === 'mirror';
  const what = isMirror
    ? 'it cannot be pulled there'
    : `cannot pull ${formatImage({ ...reference, digest })}`;
  const auth = await call.credentials.for(source.repository, signal);
  await pullStream(
    docker,
    { repository, version: digest ?? tag, platform: image.platform, auth },
    { what, patience: source.patience },
    call.onProgress,
    signal,
  );
  const pulled = nameAt(source.repository, { tag, digest });
  const local = await inspectImage(docker, pulled, signal);
  if (!local || !isThatImage(local, image, source.repository))
    throw mismatch(what, local?.id ?? 'nothing', image.imageId ?? digest ?? pulled);
  const names = await giveNames(call, local);
  // An image that loses its only name is gone.
  if (isMirror && names > 0) await untagImage(docker, pulled);
};

/** Tags the verified image. Returns the number of tags. */
const giveNames = async (
  { docker, image: { reference }, keepAs }: PullCall,
  local: Image,
): Promise<number> => {
  const { repository, tag } = reference;
  const own = tag === undefined ? undefined : `${familiarName(repository)}:${tag}`;
  const names = [own, keepAs].filter((n) => n !== undefined);
  await Promise.all(names.map((n) => tagImage(docker, local.id, n)));
  return names.length;
};

const mismatch = (what: string, delivered: string, wanted: string): AgentError =>
  new AgentError('IMAGE_MISMATCH', `${what}: the registry delivered ${delivered} instead of ${wanted}`, {
    advice: 'the registry or a mirror serves another image under this name: find out why before you use it',
  });

const isThatImage = (
  local: Image,
  { digest, imageId }: { readonly digest: Digest | undefined; readonly imageId: Image['id'] | undefined },
  repository: Repository,
): boolean => {
  if (imageId !== undefined && local.id !== imageId && (local.id as string) !== digest) return false;
  if (digest === undefined) return true;
  return (
    (local.id as string) === digest ||
    local.digests.some((d) => d.digest === digest && d.repository === repository)
  );
};
