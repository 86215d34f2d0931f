import type Dockerode from 'dockerode';
import { AgentError, type ErrorCode } from '../../core/errors.ts';
import { mirrorsOf, type Mirror } from '../../core/image/mirror.ts';
import type { ImageOrigin, SkippedSource } from '../../core/image/origin.ts';
import { familiarName, formatImage, type Digest, type Repository } from '../../core/image/reference.ts';
import type { PullProgress } from '../../core/ports/engine.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import type { Image } from '../../core/state/actual.ts';
import type { ReleaseImage } from '../../core/state/release.ts';
import { inspectImage, tagImage, untagImage } from './local-image.ts';
import { pullStream, type Patience } from './pull-stream.ts';

/** Where images come from: the logins for all of it, and who stands in for whom. */
export interface ImageSources {
  readonly credentials: RegistryCredentials;
  /** In the order to try. */
  readonly mirrors: readonly Mirror[];
}

/** For the registry itself: nobody else is left to ask. */
const LAST: Patience = { silenceMs: 120_000, leastBytes: 0 };
/** For a mirror: who delivers less than 8 kB/s is no help. */
const NOT_LAST: Patience = { silenceMs: 60_000, leastBytes: 512 * 1024 };

interface Source {
  readonly kind: ImageOrigin['kind'];
  readonly name: string;
  readonly repository: Repository;
  readonly patience: Patience;
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
 * Fetches an image and proves that it is the one: from the first mirror that has it, else from its registry. A mirror is
 * asked by digest alone, so that it can only give the right bytes or none.
 */
export const pullImage = async (
  docker: Dockerode,
  { credentials, mirrors }: ImageSources,
  { image, keepAs }: { readonly image: ReleaseImage; readonly keepAs?: string },
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
  } catch (error) {
    throw withSkipped(error, skipped);
  }
  return { kind: 'registry', source: name, skipped };
};

const OF_SOURCE: ReadonlySet<ErrorCode> = new Set([
  'REGISTRY',
  'REGISTRY_AUTH',
  'CREDENTIALS',
  'IMAGE_NOT_FOUND',
  'IMAGE_MISMATCH',
]);

/** Another source may do better. A full disk or an engine that is away is nobody's fault there. */
const isOfSource = (error: unknown): error is AgentError =>
  error instanceof AgentError && OF_SOURCE.has(error.code);

/** What the registry said decides; what others said before helps whoever reads it. */
const withSkipped = (error: unknown, skipped: readonly SkippedSource[]): unknown => {
  if (!(error instanceof AgentError) || skipped.length === 0) return error;
  const { code, message, retry, advice, fields, cause } = error;
  const others = skipped.map((s) => `; ${s.source}: ${s.message}`).join('');
  return new AgentError(code, `${message}${others}`, {
    retry,
    fields,
    cause,
    ...(advice !== undefined && { advice }),
  });
};

/** Under the name that it has at this source; verified, it gets its own, and keeps no other. */
const pullFrom = async (source: Source, call: PullCall): Promise<void> => {
  const { docker, image, keepAs, signal } = call;
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
  const pulled = digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`;
  const local = await inspectImage(docker, pulled, signal);
  if (!local || !isThatImage(local, image, source.repository))
    throw mismatch(what, local?.id ?? 'nothing', image.imageId ?? digest ?? pulled);
  const names = [
    reference.tag === undefined ? undefined : `${familiarName(reference.repository)}:${reference.tag}`,
    keepAs,
  ].filter((n) => n !== undefined);
  await Promise.all(names.map((n) => tagImage(docker, local.id, n)));
  // Without another name it would be gone with this one.
  if (isMirror && names.length > 0) await untagImage(docker, pulled);
};

const mismatch = (what: string, delivered: string, wanted: string): AgentError =>
  new AgentError('IMAGE_MISMATCH', `${what}: the registry delivered ${delivered} instead of ${wanted}`, {
    advice:
      'the registry or a mirror serves another image under this name: do not use it until somebody has looked',
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
