import { keepEdgeTag, keepRepository } from '../../docker-names.ts';
import type { Image } from '../../state/actual.ts';
import type { PlanInput } from '../plan-input.ts';
import { edgeParts } from './edge-view.ts';
import { findImage } from '../required-resources.ts';

/** The tag that its pull gives it; undefined where the host names a tag, not a digest. */
export const keepEdgeName = ({ environment, edge: { image } }: PlanInput): string | undefined =>
  image.digest === undefined ? undefined : `${keepRepository(environment)}:${keepEdgeTag(image.digest)}`;

/**
 * The edge's image, where it is here. With a tag, that tag; the host's own word is trusted as it is written.
 */
export const edgeImage = (input: PlanInput): Image | undefined => {
  const { image } = input.edge;
  const { repository, tag } = image.reference;
  const keepAs = keepEdgeName(input);
  if (keepAs !== undefined) return findImage(input.actual.images, image, keepAs);
  return input.actual.images.find((i) => i.tags.some((t) => t.repository === repository && t.tag === tag));
};

/** An edge of that very image runs here and answers: whatever else happens, the image is good. */
export const isProven = (input: PlanInput): boolean => {
  const image = edgeImage(input);
  return edgeParts(input.actual).some(
    (p) => p.container.imageId === image?.id && p.seen?.state !== undefined,
  );
};
