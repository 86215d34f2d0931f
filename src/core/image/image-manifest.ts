import { isDigest, isImageId, type Digest, type ImageId } from './reference.ts';

export const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

/** A reference to one content (OCI image spec, "Content Descriptors"). */
export interface Descriptor {
  readonly digest: Digest;
  /** Undefined if the document has no valid size. */
  readonly bytes: number | undefined;
  readonly mediaType: string | undefined;
}

export interface ImageDocument {
  readonly kind: 'image';
  /** The media type of the document itself. */
  readonly mediaType: string;
  readonly config: Descriptor & { readonly digest: ImageId };
  /** Undefined if a layer has no valid descriptor. */
  readonly layers: readonly Descriptor[] | undefined;
}

/** The image of one platform, or a list of images (OCI image spec, "Image Manifest" and "Image Index"). */
export type ManifestDocument =
  | ImageDocument
  | {
      readonly kind: 'index';
      readonly mediaType: string;
      readonly images: readonly (Descriptor & { readonly platform: string })[];
    };

interface RawPlatform {
  readonly os?: unknown;
  readonly architecture?: unknown;
  readonly variant?: unknown;
}

interface RawDescriptor {
  readonly digest?: unknown;
  readonly size?: unknown;
  readonly mediaType?: unknown;
  readonly platform?: RawPlatform | null;
}

/** `os/arch[/variant]`, as containerd's platforms package writes it. */
const PLATFORM = /^[a-z0-9_.-]+\/[a-z0-9_.-]+(?:\/[a-z0-9_.-]+)?$/;

export const isPlatform = (text: string): boolean => PLATFORM.test(text);

/**
 * `linux/arm/v7`, in the form of containerd: the variant `v8` of arm64 is left out. Returns undefined for
 * attestations, which have no platform, and for names that a supercargo manifest does not allow.
 */
export const platformOf = (raw: RawPlatform | null | undefined): string | undefined => {
  const { os, architecture, variant } = raw ?? {};
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === 'unknown') return undefined;
  const isPlain =
    typeof variant !== 'string' || variant === '' || (architecture === 'arm64' && variant === 'v8');
  const platform = isPlain ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
  return isPlatform(platform) ? platform : undefined;
};

export const parseJsonBody = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
};

const descriptorOf = (raw: RawDescriptor | null | undefined): Descriptor | undefined => {
  const { digest, size, mediaType } = raw ?? {};
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  return {
    digest,
    bytes: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
    mediaType: typeof mediaType === 'string' ? mediaType : undefined,
  };
};

/** The media type is optional in OCI documents. */
const knownType = (declared: unknown, types: readonly [string, ...string[]]): string =>
  types.find((t) => t === declared) ?? types[0];

/** Returns undefined for other documents, such as manifests of schema version 1. */
export const readManifestDocument = (body: Uint8Array): ManifestDocument | undefined => {
  const value = parseJsonBody(body) as
    | {
        readonly mediaType?: unknown;
        readonly config?: RawDescriptor | null;
        readonly layers?: unknown;
        readonly manifests?: unknown;
      }
    | null
    | undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value.manifests)) {
    const images = (value.manifests as readonly (RawDescriptor | null)[]).flatMap((m) => {
      const [platform, descriptor] = [platformOf(m?.platform), descriptorOf(m)];
      return platform !== undefined && descriptor ? [{ ...descriptor, platform }] : [];
    });
    return { kind: 'index', mediaType: knownType(value.mediaType, INDEX_TYPES), images };
  }
  const config = descriptorOf(value.config);
  if (!config || !isImageId(config.digest)) return undefined;
  const listed = Array.isArray(value.layers) ? (value.layers as readonly (RawDescriptor | null)[]) : [];
  const layers = listed.flatMap((l) => descriptorOf(l) ?? []);
  return {
    kind: 'image',
    mediaType: knownType(value.mediaType, MANIFEST_TYPES),
    config: config as ImageDocument['config'],
    layers: layers.length === listed.length ? layers : undefined,
  };
};
