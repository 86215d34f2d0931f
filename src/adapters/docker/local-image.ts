import type Dockerode from 'dockerode';
import { familiarName, type Digest, type ImageId, type Repository } from '../../core/image/reference.ts';
import type { Image } from '../../core/state/actual.ts';
import { statusOf, toEngineError } from './engine-error.ts';
import { imageOf } from './parse-resources.ts';

/** The engine's name for an image: by digest if there is one. */
export const nameAt = (
  repository: Repository,
  { tag = 'latest', digest }: { readonly tag: string | undefined; readonly digest: Digest | undefined },
): string => `${familiarName(repository)}${digest === undefined ? `:${tag}` : `@${digest}`}`;

/** Returns undefined if this host has no such image. */
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
    if (statusOf(error) === 404) return undefined;
    throw toEngineError(error, `cannot look at the image ${name}`);
  }
};

export const tagImage = async (docker: Dockerode, id: ImageId, name: string): Promise<void> => {
  const colon = name.lastIndexOf(':');
  try {
    await docker.getImage(id).tag({ repo: name.slice(0, colon), tag: name.slice(colon + 1) });
  } catch (error) {
    throw toEngineError(error, `cannot tag ${name}`);
  }
};

/** Removes one name of an image that has others. */
export const untagImage = async (docker: Dockerode, name: string): Promise<void> => {
  try {
    await docker.getImage(name).remove({ noprune: true });
  } catch (error) {
    if (statusOf(error) !== 404) throw toEngineError(error, `cannot remove the name ${name}`);
  }
};
