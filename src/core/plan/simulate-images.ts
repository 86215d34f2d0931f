import { parseImage, type ImageId } from '../image/reference.ts';
import type { EngineAction } from '../ports/engine.ts';
import type { Actual, Image } from '../state/actual.ts';
import type { ReleaseImage } from '../state/release.ts';
import { idOf } from './simulated-id.ts';

/** A tag belongs to one image, so it leaves the other one. */
export const tagged = (
  images: readonly Image[],
  { imageId, repository, tag }: Extract<EngineAction, { kind: 'tag-image' }>,
): readonly Image[] => {
  const name = { repository: parseImage(repository).repository, tag };
  return images.map((i) => {
    const others = i.tags.filter((t) => t.repository !== name.repository || t.tag !== tag);
    return { ...i, tags: i.id === imageId ? [...others, name] : others };
  });
};

export const pulled = ({ reference, digest, imageId }: ReleaseImage, keepAs: string | undefined): Image => ({
  id: imageId ?? (`sha256:${idOf('image', digest ?? '')}` as ImageId),
  tags: [reference, ...(keepAs === undefined ? [] : [parseImage(keepAs)])].flatMap(({ repository, tag }) =>
    tag === undefined ? [] : [{ repository, tag }],
  ),
  digests: digest === undefined ? [] : [{ repository: reference.repository, digest }],
});

export const removeImage = (actual: Actual, id: ImageId, references: readonly string[]): Actual => {
  const gone = new Set(references.map((r) => JSON.stringify(parseImage(r))));
  const tagGone = (t: Image['tags'][number]): boolean =>
    gone.has(JSON.stringify(parseImage(`${t.repository}:${t.tag}`)));
  const digestGone = (d: Image['digests'][number]): boolean =>
    gone.has(JSON.stringify(parseImage(`${d.repository}@${d.digest}`)));
  return {
    ...actual,
    images: actual.images.flatMap((i) => {
      if (i.id !== id) return [i];
      const tags = i.tags.filter((t) => !tagGone(t));
      const digests = i.digests.filter((d) => !digestGone(d));
      // The engine keeps a digest only with a tag of its repository, or if it pulled by digest alone.
      return tags.length === 0 && (i.tags.length > 0 || digests.length === 0)
        ? []
        : [{ ...i, tags, digests }];
    }),
  };
};
