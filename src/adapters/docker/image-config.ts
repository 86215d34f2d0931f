import type { Ask } from './engine-call.ts';
import type { ProcessConfig } from './inspected-config.ts';
import { statusOf } from './engine-error.ts';
import type { Labels } from './labels.ts';

/** What an image declares, which the engine merges into its containers. */
export interface ImageConfig extends ProcessConfig {
  readonly Labels?: Labels | null | undefined;
  /** The targets of its anonymous volumes. */
  readonly Volumes?: Readonly<Record<string, object>> | null | undefined;
}

/** Returns undefined if there is no such image. */
export const imageConfig = async (
  ask: Ask,
  imageId: string,
  signal: AbortSignal,
): Promise<ImageConfig | undefined> => {
  try {
    const answer = await ask.text(`/images/${encodeURIComponent(imageId)}/json`, signal);
    return (JSON.parse(answer) as { Config?: ImageConfig | null }).Config ?? {};
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
};
