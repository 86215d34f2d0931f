import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError, messageOf } from '../../core/errors.ts';
import {
  archiveEnd,
  blobPath,
  distinct,
  ENTRY_LIMIT_BYTES,
  TAR_HEADER_BYTES,
  tarHeader,
  tarPadding,
} from '../../core/image/archive.ts';
import {
  readManifestDocument,
  type Descriptor,
  type ImageDocument,
} from '../../core/image/image-manifest.ts';
import { missingPart } from '../../core/image/missing-part.ts';
import { formatImage, type ImageReference } from '../../core/image/reference.ts';
import type { ArchiveContent } from '../../core/ports/image-registry.ts';
import { digestOf } from './digest.ts';
import { failure, type Session } from './registry-session.ts';

interface ArchiveRequest {
  /** Has a digest. */
  readonly image: ImageReference;
  readonly platform: string;
  readonly manifestOf: (digest: string) => Promise<Buffer>;
  /** Undefined if the registry does not have it. */
  readonly partOf: (digest: string) => Promise<Buffer | undefined>;
}

const entryOf = (digest: string, bytes: Uint8Array): Buffer =>
  Buffer.concat([tarHeader(blobPath(digest), bytes.length), bytes, tarPadding(bytes.length)]);

const unfit = (image: ImageReference, why: string): AgentError =>
  new AgentError('IMAGE_NOT_FOUND', `${formatImage(image)} cannot be archived: ${why}`, {
    advice: 'publish it without --archive, or push it again with a current docker',
  });

/** How often the transfer of a layer resumes after a broken connection; more breaks count as an outage. */
const RESUMES = 5;
const PAUSE_MS = 1_000;

/** Reads one blob, and checks its digest at the end. */
async function* readBlob(
  session: Session,
  image: ImageReference,
  { digest, bytes: size }: Descriptor & { readonly bytes: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let got = 0;
  for (let resumes = 0; got < size; resumes += 1) {
    try {
      const answer = await session.open(`blobs/${digest}`, got);
      try {
        // A server without ranges begins again, so the known bytes are skipped.
        let known = answer.status === 206 ? 0 : got;
        if (answer.status !== 200 && answer.status !== 206) throw failure(image, answer);
        for await (const chunk of answer.body) {
          const fresh = chunk.subarray(Math.min(known, chunk.length));
          known -= chunk.length - fresh.length;
          if (fresh.length === 0) continue;
          got += fresh.length;
          if (got > size) break;
          hash.update(fresh);
          yield fresh;
        }
      } finally {
        answer.close();
      }
      if (got < size) throw new Error('it ended early');
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AgentError && error.retry !== 'later') throw error;
      if (got > size || resumes >= RESUMES)
        throw error instanceof AgentError
          ? error
          : new AgentError(
              'REGISTRY',
              `cannot read ${digest} of ${formatImage(image)}: ${messageOf(error)}`,
              {
                retry: 'later',
                advice: 'look at the registry and the network between; nothing was published',
              },
            );
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
  if (got === size && `sha256:${hash.digest('hex')}` === digest) return;
  throw new AgentError(
    'IMAGE_MISMATCH',
    `the registry serves other content under ${digest} of ${formatImage(image)}`,
    {
      advice: 'the registry or a proxy before it has a fault: find out why before you publish',
    },
  );
}

const described = (
  image: ImageReference,
  descriptor: Descriptor,
): Descriptor & { readonly bytes: number } => {
  const { digest, bytes } = descriptor;
  if (bytes === undefined) throw unfit(image, `its manifest lacks the size of ${digest}`);
  if (bytes > ENTRY_LIMIT_BYTES) throw unfit(image, `${digest} is larger than 8 GiB`);
  return { ...descriptor, bytes };
};

/** Finds the image of one platform: the index, if there is one, and the manifest. */
const findImage = async ({
  image,
  platform,
  manifestOf,
  partOf,
}: ArchiveRequest): Promise<{
  readonly documents: readonly Buffer[];
  readonly found: ImageDocument;
  readonly mediaType: string;
}> => {
  const root = await manifestOf(image.digest ?? '');
  const document = readManifestDocument(root);
  if (document?.kind === 'image')
    return { documents: [root], found: document, mediaType: document.mediaType };
  const listed = document?.images.find((i) => i.platform === platform);
  const body = listed && (await partOf(listed.digest));
  if (listed && !body) throw missingPart(image, platform, listed.digest);
  const found = body && readManifestDocument(body);
  if (document && body && found?.kind === 'image')
    return { documents: [root, body], found, mediaType: document.mediaType };
  throw unfit(image, `it has no image for ${platform}`);
};

const tarBytes = (bytes: number): number => TAR_HEADER_BYTES + bytes + tarPadding(bytes).length;

/** Streams the archive of an image, fetched while it is read (docs/DOCUMENTS.md, "Archives"). */
export const createArchive = async (
  session: Session,
  request: ArchiveRequest,
  signal: AbortSignal,
): Promise<ArchiveContent> => {
  const { image } = request;
  const { documents, found, mediaType } = await findImage(request);
  const [root] = documents;
  if (!found.layers || !root || image.digest === undefined)
    throw unfit(image, 'its manifest describes the layers wrongly');
  const blobs = [found.config, ...distinct(found.layers)].map((d) => described(image, d));
  const end = archiveEnd({
    root: { digest: image.digest, bytes: root.length, mediaType },
    config: found.config.digest,
    layers: found.layers.map((l) => l.digest),
  });
  const first = documents.map((body) => entryOf(digestOf(body), body));
  async function* content(): AsyncGenerator<Uint8Array> {
    yield* first;
    for (const blob of blobs) {
      yield tarHeader(blobPath(blob.digest), blob.bytes);
      yield* readBlob(session, image, blob, signal);
      yield tarPadding(blob.bytes);
    }
    yield end;
  }
  const bytes = [...first, end].reduce((sum, part) => sum + part.length, 0);
  return { bytes: blobs.reduce((sum, b) => sum + tarBytes(b.bytes), bytes), content: content() };
};
