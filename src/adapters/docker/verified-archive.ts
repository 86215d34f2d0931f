import { createHash } from 'node:crypto';
import { AgentError } from '../../core/errors.ts';
import {
  archiveEnd,
  blobPath,
  distinct,
  DOCUMENT_LIMIT_BYTES,
  sizeInHeader,
  TAR_HEADER_BYTES,
  tarHeader,
  tarPadding,
  type Archive,
  type ArchivedImage,
} from '../../core/image/archive.ts';
import {
  readManifestDocument,
  type Descriptor,
  type ImageDocument,
} from '../../core/image/image-manifest.ts';

type Source = AsyncIterable<Uint8Array>;

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const wrong = (message: string): AgentError =>
  new AgentError('IMAGE_MISMATCH', `it is not what was published: ${message}`, {
    advice: 'the file in the store was changed or is damaged: publish it again',
  });

const cut = (got: number, wanted: number): AgentError =>
  new AgentError('STORE', `it ends after ${String(got)} of ${String(wanted)} bytes`, {
    retry: 'later',
    advice: 'look at the store and the network between; it is tried again by itself',
  });

/** Reads exact numbers of bytes from a stream, and counts and hashes all of it. */
const createReader = (source: Source, { bytes: wanted, digest }: Archive) => {
  const chunks = source[Symbol.asyncIterator]();
  const hash = createHash('sha256');
  let left: Uint8Array = new Uint8Array();
  let got = 0;
  const fill = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done === true) return false;
    left = next.value;
    got += left.length;
    if (got > wanted) throw wrong(`it is longer than ${String(wanted)} bytes`);
    hash.update(left);
    return true;
  };
  async function* pass(bytes: number): AsyncGenerator<Uint8Array> {
    for (let missing = bytes; missing > 0;) {
      if (left.length === 0 && !(await fill())) throw cut(got, wanted);
      const part = left.subarray(0, missing);
      left = left.subarray(part.length);
      missing -= part.length;
      if (part.length > 0) yield part;
    }
  }
  return {
    pass,
    take: async (bytes: number): Promise<Buffer> => {
      const parts: Uint8Array[] = [];
      for await (const part of pass(bytes)) parts.push(part);
      return Buffer.concat(parts);
    },
    /** Checks that the stream has ended and that its bytes are the signed ones. */
    end: async (): Promise<void> => {
      while (left.length === 0 && (await fill()));
      if (left.length > 0) throw wrong('something follows its end');
      if (got !== wanted || `sha256:${hash.digest('hex')}` !== digest)
        throw wrong('its digest is another one');
    },
  };
};

type Reader = ReturnType<typeof createReader>;

const expect = async (reader: Reader, bytes: Buffer, what: string): Promise<Buffer> => {
  if (!(await reader.take(bytes.length)).equals(bytes)) throw wrong(`${what} is not as it should be`);
  return bytes;
};

interface Document {
  readonly bytes: Buffer;
  /** With its tar header and padding, as the engine gets it. */
  readonly entry: Buffer;
}

/** A document with a known digest; only the archive says its size. */
const takeDocument = async (reader: Reader, digest: string): Promise<Document> => {
  const header = await reader.take(TAR_HEADER_BYTES);
  const size = sizeInHeader(header) ?? 0;
  if (size > DOCUMENT_LIMIT_BYTES || !header.equals(tarHeader(blobPath(digest), size)))
    throw wrong(`${digest} is expected, and something else comes`);
  const bytes = await reader.take(size);
  if (digestOf(bytes) !== digest) throw wrong(`the content of ${digest} is another one`);
  const padding = await expect(reader, tarPadding(size), 'the padding');
  return { bytes, entry: Buffer.concat([header, bytes, padding]) };
};

/** Passes a layer on as it comes, and checks its digest at its end, before the engine can unpack it. */
async function* passLayer(reader: Reader, { digest, bytes }: Descriptor): AsyncGenerator<Uint8Array> {
  if (bytes === undefined) throw wrong(`nothing says how large ${digest} is`);
  yield await expect(reader, tarHeader(blobPath(digest), bytes), `the header of ${digest}`);
  const hash = createHash('sha256');
  for await (const part of reader.pass(bytes)) {
    hash.update(part);
    yield part;
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw wrong(`the content of ${digest} is another one`);
  yield await expect(reader, tarPadding(bytes), 'the padding');
}

/** Passes the one manifest of an index that has this config, with its blobs. */
async function* passImage(
  reader: Reader,
  { root, imageId }: ArchivedImage,
): AsyncGenerator<
  Uint8Array,
  { readonly image: ImageDocument; readonly root: Document; readonly mediaType: string }
> {
  const top = await takeDocument(reader, root);
  yield top.entry;
  const document = readManifestDocument(top.bytes);
  if (!document) throw wrong(`${root} is no image`);
  if (document.kind === 'image') {
    if (document.config.digest !== imageId) throw wrong(`${root} is not the image ${imageId}`);
    return { image: document, root: top, mediaType: document.mediaType };
  }
  const header = await reader.take(TAR_HEADER_BYTES);
  const size = sizeInHeader(header) ?? -1;
  const listed = document.images.find((i) => tarHeader(blobPath(i.digest), size).equals(header));
  if (!listed || size > DOCUMENT_LIMIT_BYTES)
    throw wrong(`an image of ${root} is expected, and something else comes`);
  const bytes = await reader.take(size);
  const padding = await expect(reader, tarPadding(size), 'the padding');
  const image = readManifestDocument(bytes);
  if (digestOf(bytes) !== listed.digest || image?.kind !== 'image' || image.config.digest !== imageId)
    throw wrong(`${listed.digest} is not the image ${imageId}`);
  yield Buffer.concat([header, bytes, padding]);
  return { image, root: top, mediaType: document.mediaType };
}

/**
 * Yields the bytes of an archive as it verifies them: every blob must have the digest that the signed ones
 * lead to, in the one order and form that exists. The last part, which makes the blobs an image, follows only
 * once the whole file is verified.
 * @throws AgentError IMAGE_MISMATCH, STORE (truncated), or what the source throws
 */
export async function* verifiedArchive(
  source: Source,
  archive: Archive,
  wanted: ArchivedImage,
): AsyncGenerator<Uint8Array> {
  const reader = createReader(source, archive);
  const { image, root, mediaType } = yield* passImage(reader, wanted);
  const { config, layers } = image;
  if (!layers) throw wrong('its layers are described wrongly');
  yield (await takeDocument(reader, config.digest)).entry;
  for (const layer of distinct(layers)) yield* passLayer(reader, layer);
  const end = await expect(
    reader,
    archiveEnd({
      root: { digest: wanted.root, bytes: root.bytes.length, mediaType },
      config: config.digest,
      layers: layers.map((l) => l.digest),
    }),
    'its end',
  );
  await reader.end();
  yield end;
}
