import type { Descriptor } from './manifest-document.ts';
import type { Digest, ImageId } from './reference.ts';

/** One platform's image as a file in the store, named by its digest (docs/DOCUMENTS.md, "Archives"). */
export interface Archive {
  /** Of the file's bytes. */
  readonly digest: Digest;
  readonly bytes: number;
}

/** What an archive has to hold. */
export interface ArchivedImage {
  /** Of the manifest or index that the published reference means. */
  readonly root: Digest;
  readonly imageId: ImageId;
}

/** Larger documents than this are none (distribution spec, "Pushing Manifests"). */
export const DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024;
/** What the size field of a tar header can say (POSIX.1-1988, ustar): 8 GiB. */
export const ENTRY_LIMIT_BYTES = 8 ** 11 - 1;

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/**
 * The tar header of a file: owner root, time 0, nothing that varies. The same image always gives the same
 * archive, so that a reader needs no parser: it knows every byte that has to come.
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

/** The size in a header of ours; undefined: it is none. */
export const sizeInHeader = (header: Uint8Array): number | undefined => {
  const text = Buffer.from(header.subarray(124, 136)).toString('latin1');
  return /^[0-7]{11}\0$/.test(text) ? Number.parseInt(text, 8) : undefined;
};

export const blobPath = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

const fileOf = (path: string, content: string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([tarHeader(path, bytes.length), bytes, tarPadding(bytes.length)]);
};

export interface ArchiveContent {
  readonly root: Descriptor & { readonly bytes: number };
  readonly config: Digest;
  /** As the image has them, repeated ones too. */
  readonly layers: readonly Digest[];
}

/**
 * The end of an archive, which makes its blobs an image: an OCI layout for engines with the containerd store,
 * and `manifest.json` as `docker save` writes it for all others. It gives the image no name: a load can never
 * move somebody's tag.
 */
export const archiveEnd = ({ root, config, layers }: ArchiveContent): Buffer => {
  const { mediaType = 'application/vnd.oci.image.manifest.v1+json', digest, bytes } = root;
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size: bytes }] };
  const manifest = [{ Config: blobPath(config), RepoTags: null, Layers: layers.map(blobPath) }];
  return Buffer.concat([
    fileOf('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })),
    fileOf('index.json', JSON.stringify(index)),
    fileOf('manifest.json', JSON.stringify(manifest)),
    END,
  ]);
};

/** In the order of the image, each once. */
export const distinct = (layers: readonly Descriptor[]): readonly Descriptor[] => [
  ...new Map(layers.map((l) => [l.digest, l])).values(),
];
