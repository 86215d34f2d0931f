import type { Descriptor } from './image-manifest.ts';
import type { Digest, ImageId } from './reference.ts';

/** One platform's image as a file in the store; its name is its digest (docs/DOCUMENTS.md, "Archives"). */
export interface Archive {
  /** The digest of the file. */
  readonly digest: Digest;
  readonly bytes: number;
}

/** The image that an archive must contain. */
export interface ArchivedImage {
  /** The digest of the manifest or index in the published reference. */
  readonly root: Digest;
  readonly imageId: ImageId;
}

/** The size limit of manifests and indexes (distribution spec, "Pushing Manifests"). */
export const DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024;
/** The largest size that a tar header can hold (POSIX.1-1988, ustar): 8 GiB. */
export const ENTRY_LIMIT_BYTES = 8 ** 11 - 1;

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/**
 * The tar header of a file, with fixed owner and time. An image always gives the same archive, so the reader
 * needs no parser: it knows every byte in advance.
 */
export const tarHeader = (path: string, bytes: number): Buffer => {
  const header = Buffer.alloc(BLOCK);
  const put = (text: string, offset: number): number => header.write(text, offset, 'latin1');
  put(path, 0);
  put(octal(0o644, 8), 100);
  put(octal(0, 8), 108);
  put(octal(0, 8), 116);
  put(octal(bytes, 12), 124);
  put(octal(0, 12), 136);
  put('        ', 148);
  put('0', 156);
  put('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
};

export const TAR_HEADER_BYTES = BLOCK;
export const tarPadding = (bytes: number): Buffer => Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);

/** The size field of one of our headers. Returns undefined for other headers. */
export const sizeInHeader = (header: Uint8Array): number | undefined => {
  const text = Buffer.from(header.subarray(124, 136)).toString('latin1');
  return /^[0-7]{11}\0$/.test(text) ? Number.parseInt(text, 8) : undefined;
};

export const blobPath = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

const fileOf = (path: string, content: string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([tarHeader(path, bytes.length), bytes, tarPadding(bytes.length)]);
};

/** A tar file. Paths have at most 100 ASCII characters. */
export const tarOf = (files: readonly { readonly path: string; readonly content: string }[]): Buffer =>
  Buffer.concat([...files.map(({ path, content }) => fileOf(path, content)), END]);

export interface ArchiveContent {
  readonly root: Descriptor & { readonly bytes: number };
  readonly config: Digest;
  /** In the order of the image, repeated layers included. */
  readonly layers: readonly Digest[];
}

/**
 * The end of an archive, which makes its blobs an image: an OCI layout for engines with the containerd store,
 * and `manifest.json` as `docker save` writes it for all others. It contains no image name, so loading it
 * cannot move a tag.
 */
export const archiveEnd = ({ root, config, layers }: ArchiveContent): Buffer => {
  const { mediaType = 'application/vnd.oci.image.manifest.v1+json', digest, bytes } = root;
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size: bytes }] };
  const manifest = [{ Config: blobPath(config), RepoTags: null, Layers: layers.map(blobPath) }];
  return tarOf([
    { path: 'oci-layout', content: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', content: JSON.stringify(index) },
    { path: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
};

/** The layers in the order of the image, without repetitions. */
export const distinct = (layers: readonly Descriptor[]): readonly Descriptor[] => [
  ...new Map(layers.map((l) => [l.digest, l])).values(),
];
