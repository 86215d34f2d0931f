import type { Digest, ImageId, ImageReference } from '../image/reference.ts';

/** What a registry reports for a tag or digest. */
export interface PublishedImage {
  /** Digest of the manifest or index of the reference. */
  readonly digest: Digest;
  /** Config digests by platform, e.g. `linux/amd64`. */
  readonly imageIds: Readonly<Record<string, ImageId>>;
  /** Manifests by platform that the index names, but that the registry does not have; absent if none. */
  readonly missing?: Readonly<Record<string, Digest>>;
}

/** An archive that is generated while it is read. */
export interface ArchiveContent {
  /** Total size. */
  readonly bytes: number;
  /** @throws AgentError REGISTRY, REGISTRY_AUTH, IMAGE_MISMATCH */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Image registries, asked directly because a build server needs no engine. */
export interface ImageRegistry {
  /** @throws AgentError IMAGE_NOT_FOUND, REGISTRY_AUTH or REGISTRY_UNREACHABLE. */
  readonly lookUp: (reference: ImageReference, signal: AbortSignal) => Promise<PublishedImage>;
  /**
   * The archive of one platform's image, in the format of `core/image/archive.ts`.
   * @throws AgentError IMAGE_NOT_FOUND if it cannot be archived, or as above
   */
  readonly archive: (
    reference: ImageReference,
    platform: string,
    signal: AbortSignal,
  ) => Promise<ArchiveContent>;
}
