import { AgentError } from '../../core/errors.ts';
import {
  INDEX_TYPES,
  MANIFEST_TYPES,
  parseJsonBody,
  platformOf,
  readManifestDocument,
} from '../../core/image/image-manifest.ts';
import { missingPart } from '../../core/image/missing-part.ts';
import { formatImage, type Digest, type ImageId, type ImageReference } from '../../core/image/reference.ts';
import type { ImageRegistry, PublishedImage } from '../../core/ports/image-registry.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import { createArchive } from './build-archive.ts';
import { digestOf } from './digest.ts';
import { CAP_BYTES } from './ask-registry.ts';
import { failure, openSession, type Session } from './registry-session.ts';

const ACCEPT = [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ');
/** More than any image has, so that an index with thousands of entries does not cause as many requests. */
const MAX_PLATFORMS = 32;
const SHOWN_TAGS = 5;

/** Advises with tags that exist, to compare with the missing one. */
const knownTags = async (session: Session): Promise<string> => {
  const answer = await session.get('tags/list', 'application/json').catch(() => undefined);
  const value = answer?.status === 200 ? parseJsonBody(answer.body) : undefined;
  const tags = (value as { readonly tags?: unknown } | undefined)?.tags;
  if (!Array.isArray(tags) || tags.length === 0) return 'push it first, or check the name';
  const shown = tags.filter((t) => typeof t === 'string').slice(-SHOWN_TAGS);
  const list = `${tags.length > shown.length ? '… ' : ''}${shown.join(', ')}`;
  return `push it first, or check its name; there are ${String(tags.length)} tags: ${list}`;
};

interface Found {
  readonly body: Buffer;
  readonly digest: Digest;
}

/**
 * Gets a manifest by tag or digest. Its digest is computed from the bytes, not read from the header.
 * Undefined if the registry does not have it.
 */
const findManifest = async (
  session: Session,
  image: ImageReference,
  reference: string,
): Promise<Found | undefined> => {
  const answer = await session.get(`manifests/${reference}`, ACCEPT);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw failure(image, answer);
  if (answer.body.length > CAP_BYTES)
    throw new AgentError('REGISTRY', `the manifest of ${formatImage(image)} is larger than 4 MiB`, {
      advice: 'check the registry: no manifest is so large',
    });
  const digest = digestOf(answer.body);
  const announced = answer.header('docker-content-digest');
  const expected = reference.startsWith('sha256:') ? reference : announced;
  if (expected !== undefined && expected !== digest)
    throw new AgentError('IMAGE_MISMATCH', `the registry serves ${digest} where ${expected} was asked for`, {
      advice: 'the registry or a proxy before it has a fault: find out why before you publish',
    });
  return { body: answer.body, digest };
};

const getManifest = async (session: Session, image: ImageReference, reference: string): Promise<Found> => {
  const found = await findManifest(session, image, reference);
  if (found) return found;
  throw new AgentError('IMAGE_NOT_FOUND', `the registry has no ${formatImage(image)}`, {
    advice: await knownTags(session),
  });
};

const platformOfConfig = async (
  session: Session,
  image: ImageReference,
  config: ImageId,
): Promise<string> => {
  const answer = await session.get(`blobs/${config}`, '*/*');
  if (answer.status !== 200) throw failure(image, answer);
  const platform = platformOf(parseJsonBody(answer.body) as Parameters<typeof platformOf>[0]);
  if (digestOf(answer.body) === (config as string) && platform !== undefined) return platform;
  throw new AgentError('IMAGE_MISMATCH', `the config of ${formatImage(image)} does not match its digest`, {
    advice: 'push the image again, and look at the registry',
  });
};

const unknownFormat = (image: ImageReference): AgentError =>
  new AgentError('IMAGE_NOT_FOUND', `${formatImage(image)} is not an image that a host can run`, {
    advice: 'push it with a current docker: manifests of schema 2 and OCI images are understood',
  });

const imagesOf = async (
  session: Session,
  image: ImageReference,
  body: Uint8Array,
): Promise<Pick<PublishedImage, 'imageIds' | 'missing'>> => {
  const document = readManifestDocument(body);
  if (!document) throw unknownFormat(image);
  if (document.kind === 'image') {
    const { digest } = document.config;
    return { imageIds: { [await platformOfConfig(session, image, digest)]: digest } };
  }
  const parts = await Promise.all(
    document.images.slice(0, MAX_PLATFORMS).map(async ({ platform, digest }) => {
      const found = await findManifest(session, image, digest);
      return { platform, digest, isMissing: !found, part: found && readManifestDocument(found.body) };
    }),
  );
  const imageIds = parts.flatMap(({ platform, part }) =>
    part?.kind === 'image' ? [[platform, part.config.digest] as const] : [],
  );
  const missing = parts.filter((p) => p.isMissing).map((p) => [p.platform, p.digest] as const);
  if (imageIds.length > 0)
    return {
      imageIds: Object.fromEntries(imageIds),
      ...(missing.length > 0 && { missing: Object.fromEntries(missing) }),
    };
  throw missing[0] ? missingPart(image, ...missing[0]) : unknownFormat(image);
};

/** Asks registries by their API (OCI distribution spec), with docker's logins and certificates. */
export const createImageRegistry = (
  credentials: RegistryCredentials,
  certificateFolders: readonly string[] = [],
): ImageRegistry => ({
  lookUp: async (image, signal) => {
    const session = await openSession(image, { credentials, certificateFolders }, signal);
    const { body, digest } = await getManifest(session, image, image.digest ?? image.tag ?? 'latest');
    return { digest, ...(await imagesOf(session, image, body)) };
  },
  archive: async (image, platform, signal) => {
    const session = await openSession(image, { credentials, certificateFolders }, signal);
    const manifestOf = async (digest: string) => (await getManifest(session, image, digest)).body;
    const partOf = async (digest: string) => (await findManifest(session, image, digest))?.body;
    return createArchive(session, { image, platform, manifestOf, partOf }, signal);
  },
});
