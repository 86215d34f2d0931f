import type { Ask } from './engine-call.ts';
import type { ProcessConfig } from './inspected-config.ts';
import { statusOf } from './engine-error.ts';
import type { Labels } from './labels.ts';

/** What an image declares, and the engine merges into a container of it. */
interface ImageConfig extends ProcessConfig {
  readonly Labels?: Labels | null | undefined;
}

/** Undefined: there is no such image. */
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
