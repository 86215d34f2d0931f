import { keepEdgeTag, keepRepository } from '../../docker-names.ts';
import type { Image } from '../../state/actual.ts';
import type { PlanInput } from '../plan-input.ts';
import { edgeParts } from './edge-view.ts';
import { findImage } from '../local-image.ts';

/** The tag that its pull gives the image. Undefined if the host configures a tag, not a digest. */
export const keepEdgeName = ({ environment, edge: { image } }: PlanInput): string | undefined =>
  image.digest === undefined ? undefined : `${keepRepository(environment)}:${keepEdgeTag(image.digest)}`;

/** The local image of the edge. A configured tag is trusted as it is. */
export const edgeImage = (input: PlanInput): Image | undefined => {
  const { image } = input.edge;
  const { repository, tag } = image.reference;
  const keepAs = keepEdgeName(input);
  if (keepAs !== undefined) return findImage(input.actual.images, image, keepAs);
  return input.actual.images.find((i) => i.tags.some((t) => t.repository === repository && t.tag === tag));
};

/** Whether an edge of this image runs here and answers, which proves the image. */
export const isProven = (input: PlanInput): boolean => {
  const image = edgeImage(input);
  return edgeParts(input.actual).some(
    (p) => p.container.imageId === image?.id && p.seen?.state !== undefined,
  );
};
