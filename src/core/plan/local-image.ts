import { keepRepository, keepTag } from '../docker-names.ts';
import { parseImage } from '../image/reference.ts';
import type { Image } from '../state/actual.ts';
import type { Release, ReleaseImage } from '../state/release.ts';
import type { PlanInput } from './plan-input.ts';

/**
 * The local image that is exactly this one. With the containerd store the id is the manifest digest, so both
 * forms count. A signed id outranks the digest: an image with that digest but another id is refused. An image
 * from a mirror may have neither; it is found by `kept`, our tag that it got once it was verified.
 */
export const findImage = (
  images: readonly Image[],
  desired: ReleaseImage,
  kept: string,
): Image | undefined => {
  const { digest, imageId, reference } = desired;
  const exact = images.find(({ id, digests }) => {
    const isNamed = (id as string) === digest || id === imageId;
    if (isNamed || imageId !== undefined) return isNamed;
    return (
      digest !== undefined &&
      digests.some((d) => d.digest === digest && d.repository === reference.repository)
    );
  });
  if (exact || imageId !== undefined || digest === undefined) return exact;
  const { repository, tag } = parseImage(kept);
  return images.find(({ tags }) => tags.some((t) => t.repository === repository && t.tag === tag));
};

/** The tag that keeps a release's image from every clean-up. Only verified images get it. */
export const keepName = (environment: string, { service, id }: Release): string =>
  `${keepRepository(environment)}:${keepTag(service, id)}`;

export const releaseImage = (
  { environment, actual }: Pick<PlanInput, 'environment' | 'actual'>,
  release: Release,
): Image | undefined => findImage(actual.images, release.image, keepName(environment, release));
