import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { AgentError } from '../../core/errors.ts';
import type { PullProgress } from '../../core/ports/engine.ts';
import type { RegistryAuth } from '../../core/ports/registry-credentials.ts';
import { countOr } from './response-types.ts';
import { toRegistryError } from './engine-error.ts';
import { linesOf } from './split-lines.ts';

/** When to give up on a slow source. The whole pull has no limit, because images may be large. */
export interface Patience {
  readonly silenceMs: number;
  /** Fewer bytes than this in that time count as silence. */
  readonly leastBytes: number;
}

export interface Wanted {
  /** In the engine's form. */
  readonly repository: string;
  /** A digest, or a tag. */
  readonly version: string;
  readonly platform: string | undefined;
  readonly auth: RegistryAuth | undefined;
}

interface Line {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

interface Layer {
  readonly done: boolean;
  readonly current: number;
  readonly total: number;
}

/**
 * Lets the engine pull one image from one source. dockerode's followProgress hides errors within the stream
 * and takes a closed stream for success, so this reads every line itself. The caller checks whether the image
 * arrived.
 * @throws AgentError whose message begins with `what`
 */
export const pullStream = async (
  docker: Dockerode,
  wanted: Wanted,
  { what, patience }: { readonly what: string; readonly patience: Patience },
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> => {
  const idle = new AbortController();
  const silence = setTimeout(() => idle.abort(), patience.silenceMs).unref();
  try {
    const stream = await docker
      .createImage(wanted.auth as Dockerode.AuthConfig | undefined, {
        fromImage: wanted.repository,
        tag: wanted.version,
        ...(wanted.platform !== undefined && { platform: wanted.platform }),
        abortSignal: AbortSignal.any([signal, idle.signal]),
      })
      .finally(() => clearTimeout(silence));
    await readLines(stream as unknown as Readable, { idle, patience, what }, onProgress);
  } catch (error) {
    if (idle.signal.aborted) throw stalled(what, patience, error);
    if (signal.aborted) throw error;
    throw toRegistryError(error, what);
  }
};

const stalled = (what: string, { silenceMs, leastBytes }: Patience, cause: unknown): AgentError => {
  const little = leastBytes === 0 ? 'nothing' : 'next to nothing';
  return new AgentError('REGISTRY', `${what}: ${little} arrived for ${String(silenceMs / 1000)} s`, {
    retry: 'later',
    cause,
    advice: 'the registry or the network is too slow: it is tried again by itself; what runs stays',
  });
};

const readLines = async (
  stream: Readable,
  { idle, patience, what }: { idle: AbortController; patience: Patience; what: string },
  onProgress: (progress: PullProgress) => void,
): Promise<void> => {
  const layers = new Map<string, Layer>();
  const arm = (): NodeJS.Timeout =>
    setTimeout(() => {
      idle.abort();
      stream.destroy(new Error('stalled'));
    }, patience.silenceMs).unref();
  let timer = arm();
  let bytesThen = 0;
  try {
    for await (const text of linesOf(stream)) {
      const line = parseLine(text);
      if (line?.error !== undefined) throw toRegistryError(new Error(line.error), what);
      const isNews = line !== undefined && noteLayer(layers, line);
      const progress = progressOf(layers);
      // Only a download can be too slow; any other line is the engine's own work.
      if (line?.status !== 'Downloading' || progress.bytesDone - bytesThen >= patience.leastBytes) {
        clearTimeout(timer);
        timer = arm();
        bytesThen = progress.bytesDone;
      }
      if (isNews) onProgress(progress);
    }
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
};

const parseLine = (text: string): Line | undefined => {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === 'object' && said !== null ? said : undefined;
  } catch {
    // A truncated line: the inspection afterwards decides whether the image arrived.
    return undefined;
  }
};

const noteLayer = (layers: Map<string, Layer>, line: Line): boolean => {
  if (line.id === undefined || line.status === undefined || !/^[a-f0-9]{12}$/.test(line.id)) return false;
  const known = layers.get(line.id) ?? { done: false, current: 0, total: 0 };
  const done = /^(Pull complete|Already exists)/.test(line.status);
  const isDownload = line.status === 'Downloading';
  const total = isDownload ? countOr(line.progressDetail?.total, known.total) : known.total;
  const isWhole = done || line.status === 'Download complete' || line.status === 'Extracting';
  const current = isDownload
    ? countOr(line.progressDetail?.current, known.current)
    : isWhole
      ? total
      : known.current;
  layers.set(line.id, { done, current, total });
  return true;
};

const progressOf = (layers: ReadonlyMap<string, Layer>): PullProgress => {
  const all = [...layers.values()];
  return {
    layersDone: all.filter((l) => l.done).length,
    layersTotal: all.length,
    bytesDone: all.reduce((sum, l) => sum + l.current, 0),
    bytesTotal: all.reduce((sum, l) => sum + l.total, 0),
  };
};
