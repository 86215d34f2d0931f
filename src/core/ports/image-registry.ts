import type { Digest, ImageId, ImageReference } from '../image/reference.ts';

/** What a registry says of a tag or digest. */
export interface PublishedImage {
  /** Of the manifest or index that the reference means. */
  readonly digest: Digest;
  /** Config digests by platform, e.g. `linux/amd64`. */
  readonly imageIds: Readonly<Record<string, ImageId>>;
}

/** An archive that is made while it is read. */
export interface ArchiveContent {
  /** Of the whole. */
  readonly bytes: number;
  /** @throws AgentError REGISTRY, REGISTRY_AUTH, IMAGE_MISMATCH */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The registries that images come from, asked directly: the build server needs no engine. */
export interface ImageRegistry {
  /** @throws AgentError IMAGE_NOT_FOUND, REGISTRY_AUTH or REGISTRY_UNREACHABLE. */
  readonly look: (reference: ImageReference, signal: AbortSignal) => Promise<PublishedImage>;
  /**
   * One platform's image, named with its digest, as `core/image/archive.ts` has it.
   * @throws AgentError IMAGE_NOT_FOUND where it can't be archived, or as above.
   */
  readonly archive: (
    reference: ImageReference,
    platform: string,
    signal: AbortSignal,
  ) => Promise<ArchiveContent>;
}
