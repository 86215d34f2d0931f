import { isDigest, isImageId, type Digest, type ImageId } from '../../core/image/reference.ts';

export const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

/** An image of one platform, or a list of them (OCI image spec, "Image Manifest" and "Image Index"). */
export type ManifestDocument =
  | { readonly kind: 'image'; readonly config: ImageId }
  | {
      readonly kind: 'index';
      readonly images: readonly { readonly platform: string; readonly digest: Digest }[];
    };

interface RawPlatform {
  readonly os?: unknown;
  readonly architecture?: unknown;
  readonly variant?: unknown;
}

/** `linux/arm/v7`, as containerd writes it: the variant of arm64 is `v8` always, and left out. Undefined: no platform, as attestations have it. */
export const platformOf = (raw: RawPlatform | undefined): string | undefined => {
  const { os, architecture, variant } = raw ?? {};
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === 'unknown') return undefined;
  const isPlain =
    typeof variant !== 'string' || variant === '' || (architecture === 'arm64' && variant === 'v8');
  return isPlain ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
};

export const parseJsonBody = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
};

/** Undefined: it is neither, as manifests of the first schema. */
export const readManifestDocument = (body: Uint8Array): ManifestDocument | undefined => {
  const value = parseJsonBody(body) as
    | {
        readonly config?: { readonly digest?: unknown };
        readonly manifests?: readonly { readonly digest?: unknown; readonly platform?: RawPlatform }[];
      }
    | undefined;
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value.manifests)) {
    const images = (value.manifests as readonly { digest?: unknown; platform?: RawPlatform }[]).flatMap(
      (m) => {
        const platform = platformOf(m.platform);
        return platform !== undefined && typeof m.digest === 'string' && isDigest(m.digest)
          ? [{ platform, digest: m.digest }]
          : [];
      },
    );
    return { kind: 'index', images };
  }
  const config = value.config?.digest;
  return typeof config === 'string' && isImageId(config) ? { kind: 'image', config } : undefined;
};
