import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { AgentError } from '../../core/errors.ts';
import { familiarName, formatImage, type ImageId } from '../../core/image/reference.ts';
import type { PullProgress } from '../../core/ports/engine.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import type { Image } from '../../core/state/actual.ts';
import type { ReleaseImage } from '../../core/state/release.ts';
import { toEngineError, toRegistryError } from './engine-error.ts';
import { imageOf } from './resources.ts';

/** A pull is given up when nothing arrives for so long. There is no limit on the whole: big images may take their time. */
const IDLE_LIMIT_MS = 120_000;

interface Line {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

/**
 * Fetches an image by digest and proves that it is the one. dockerode's followProgress hides errors that arrive within
 * the stream and takes a closed stream for success, so every line is read here, and the image is inspected afterwards.
 */
export const pullImage = async (
  docker: Dockerode,
  credentials: RegistryCredentials,
  { image, keepAs }: { readonly image: ReleaseImage; readonly keepAs?: string },
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> => {
  const { reference, digest } = image;
  const name = familiarName(reference.repository);
  const what = `cannot pull ${formatImage({ ...reference, digest })}`;
  const auth = await credentials.for(reference.repository, signal);
  const idle = new AbortController();
  const bounded = AbortSignal.any([signal, idle.signal]);
  const silence = setTimeout(() => idle.abort(), IDLE_LIMIT_MS).unref();
  try {
    const stream = await docker
      .createImage(auth as Dockerode.AuthConfig | undefined, {
        fromImage: name,
        tag: digest ?? reference.tag ?? 'latest',
        ...(image.platform !== undefined && { platform: image.platform }),
        abortSignal: bounded,
      })
      .finally(() => clearTimeout(silence));
    await readLines(stream as unknown as Readable, idle, onProgress, what);
  } catch (error) {
    if (idle.signal.aborted) throw stalled(what, error);
    if (signal.aborted) throw error;
    throw toRegistryError(error, what);
  }
  await verify(docker, image, keepAs, what, signal);
};

const stalled = (what: string, cause: unknown): AgentError =>
  new AgentError('REGISTRY', `${what}: nothing arrived for ${String(IDLE_LIMIT_MS / 1000)} s`, {
    retry: 'later',
    cause,
    advice: 'the registry or the network is too slow: it is tried again by itself; what runs stays',
  });

const readLines = async (
  stream: Readable,
  idle: AbortController,
  onProgress: (progress: PullProgress) => void,
  what: string,
): Promise<void> => {
  const layers = new Map<string, { done: boolean; current: number; total: number }>();
  const rearm = (): NodeJS.Timeout =>
    setTimeout(() => {
      idle.abort();
      stream.destroy(new Error('stalled'));
    }, IDLE_LIMIT_MS).unref();
  let timer = rearm();
  try {
    for await (const text of createInterface({ input: stream })) {
      clearTimeout(timer);
      timer = rearm();
      const line = parseLine(text);
      if (line?.error !== undefined) throw toRegistryError(new Error(line.error), what);
      if (line && noteLayer(layers, line)) onProgress(progressOf(layers));
    }
  } finally {
    clearTimeout(timer);
  }
};

const parseLine = (text: string): Line | undefined => {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    // A cut line: the inspection afterwards decides whether the image arrived.
    return undefined;
  }
};

const noteLayer = (
  layers: Map<string, { done: boolean; current: number; total: number }>,
  line: Line,
): boolean => {
  if (line.id === undefined || line.status === undefined || !/^[a-f0-9]{12}$/.test(line.id)) return false;
  const known = layers.get(line.id) ?? { done: false, current: 0, total: 0 };
  const done = /^(Pull complete|Already exists)/.test(line.status);
  const isDownload = line.status === 'Downloading';
  const total = isDownload ? (line.progressDetail?.total ?? known.total) : known.total;
  const isWhole = done || line.status === 'Download complete' || line.status === 'Extracting';
  const current = isDownload
    ? (line.progressDetail?.current ?? known.current)
    : isWhole
      ? total
      : known.current;
  layers.set(line.id, { done, current, total });
  return true;
};

const progressOf = (
  layers: ReadonlyMap<string, { done: boolean; current: number; total: number }>,
): PullProgress => {
  const all = [...layers.values()];
  return {
    layersDone: all.filter((l) => l.done).length,
    layersTotal: all.length,
    bytesDone: all.reduce((sum, l) => sum + l.current, 0),
    bytesTotal: all.reduce((sum, l) => sum + l.total, 0),
  };
};

/** The image that arrived is the one that was named, or it is an error; then it gets its human-readable tag. */
const verify = async (
  docker: Dockerode,
  image: ReleaseImage,
  keepAs: string | undefined,
  what: string,
  signal: AbortSignal,
): Promise<void> => {
  const { reference, digest } = image;
  const name = familiarName(reference.repository);
  const pulled = digest === undefined ? `${name}:${reference.tag ?? 'latest'}` : `${name}@${digest}`;
  const local = await inspectImage(docker, pulled, signal);
  if (!local || !isThatImage(local, image)) {
    throw new AgentError(
      'IMAGE_MISMATCH',
      `${what}: the registry delivered ${local?.id ?? 'nothing'} instead of ${image.imageId ?? digest ?? pulled}`,
      {
        advice:
          'the registry or a mirror serves another image under this name: do not use it until somebody has looked',
      },
    );
  }
  const names = [reference.tag === undefined ? undefined : `${name}:${reference.tag}`, keepAs];
  await Promise.all(names.filter((n) => n !== undefined).map((n) => tagAs(docker, local.id, n)));
};

const tagAs = async (docker: Dockerode, id: ImageId, name: string): Promise<void> => {
  const colon = name.lastIndexOf(':');
  try {
    await docker.getImage(id).tag({ repo: name.slice(0, colon), tag: name.slice(colon + 1) });
  } catch (error) {
    throw toEngineError(error, `cannot tag ${name}`);
  }
};

const isThatImage = (local: Image, { reference, digest, imageId }: ReleaseImage): boolean => {
  if (imageId !== undefined && local.id !== imageId && (local.id as string) !== digest) return false;
  if (digest === undefined) return true;
  return (
    (local.id as string) === digest ||
    local.digests.some((d) => d.digest === digest && d.repository === reference.repository)
  );
};

/** Undefined where this host has no such image. */
export const inspectImage = async (
  docker: Dockerode,
  name: string,
  signal: AbortSignal,
): Promise<Image | undefined> => {
  try {
    signal.throwIfAborted();
    const info = await docker.getImage(name).inspect();
    return imageOf(info as unknown as Dockerode.ImageInfo);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw toEngineError(error, `cannot look at the image ${name}`);
  }
};
