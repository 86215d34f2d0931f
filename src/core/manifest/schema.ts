import * as v from 'valibot';
import type { Archive } from '../image/archive.ts';
import { isPlatform } from '../image/image-manifest.ts';
import { isDigest, isImageId, tryParseImage } from '../image/reference.ts';
import type { Digest, ImageId, ImageReference } from '../image/reference.ts';
import { NAME } from '../docker-names.ts';
import type { Manifest, ManifestService, Publisher, Rollout } from './manifest.ts';
import { paceSchema, urgentSchema } from './pace-schema.ts';
import { findStrangeKey, problemsOf } from './schema-problem.ts';
import type { Problem } from './schema-problem.ts';
import { notList, text, wholeNumber } from './schema-values.ts';
import { parseUtcTime } from './utc-time.ts';

const API_VERSION = 'supercargo/v1';

const ENVIRONMENT = /^[a-z0-9][a-z0-9_-]{0,62}$/;
export const isEnvironmentName = (name: string): boolean => ENVIRONMENT.test(name);
const MAX_ROLLOUT_SECONDS = 366 * 24 * 3600;

export type ParsedManifest =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'problems'; readonly problems: readonly [Problem, ...Problem[]] };

const utcTime = v.pipe(
  text(40),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const atMs = parseUtcTime(dataset.value);
    if (atMs !== undefined) return atMs;
    addIssue({ message: 'must be a UTC time like 2026-11-23T10:00:00Z' });
    return NEVER;
  }),
);

const versionedImage = v.pipe(
  text(1024),
  v.rawTransform(({ dataset, addIssue, NEVER }): ImageReference => {
    const image = tryParseImage(dataset.value);
    if (image !== undefined && (image.tag !== undefined || image.digest !== undefined)) return image;
    addIssue({
      message:
        image === undefined
          ? 'must be an image like registry.example.com/org/web:1.2.3@sha256:…, the repository in lower case'
          : 'must say which version: add a tag, a digest (@sha256:…) or both',
    });
    return NEVER;
  }),
);

const imageId = v.custom<ImageId>(
  (value) => typeof value === 'string' && isImageId(value),
  'must be a config digest: sha256: and 64 lower-case hex digits',
);

const platform = v.pipe(
  v.string(),
  v.check(isPlatform, 'must be a platform like linux/amd64 or linux/arm/v7'),
);

const digest = v.custom<Digest>(
  (value) => typeof value === 'string' && isDigest(value),
  'must be a digest: sha256: and 64 lower-case hex digits',
);

const archive = v.pipe(
  v.strictObject({ digest, size: wholeNumber(1, Number.MAX_SAFE_INTEGER) }),
  v.transform(({ digest: sha256, size }): Archive => ({ digest: sha256, bytes: size })),
);

const serviceEntry = v.strictObject({
  image: versionedImage,
  imageIds: v.optional(
    v.pipe(v.unknown(), notList, v.record(platform, imageId, 'must be an object of platforms')),
    {},
  ),
  archives: v.optional(
    v.pipe(v.unknown(), notList, v.record(platform, archive, 'must be an object of platforms')),
  ),
  attempt: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER), 0),
});

/** The image's digest and id are what the agent verifies the content of an archive against. */
const service = v.pipe(
  serviceEntry,
  v.forward(
    v.check(
      ({ image, imageIds, archives }) =>
        Object.keys(archives ?? {}).every((p) => imageIds[p] !== undefined && image.digest !== undefined),
      'need an image with a digest, and the image id of each platform',
    ),
    ['archives'],
  ),
);

const serviceName = v.pipe(
  v.string(),
  v.regex(NAME, 'must be a service name: letters, digits, dot, dash and underscore, a letter or digit first'),
);

const fraction = 'must be a number from 0 to 1';

const rollout = v.strictObject({
  startAt: utcTime,
  durationSeconds: wholeNumber(0, MAX_ROLLOUT_SECONDS),
  startFraction: v.optional(v.pipe(v.number(fraction), v.minValue(0, fraction), v.maxValue(1, fraction)), 0),
});

const webAddress = v.pipe(
  text(2048),
  v.check((value) => /^https?:\/\//i.test(value) && URL.canParse(value), 'must be an http or https address'),
);

const freeze = v.strictObject({ reason: text(1024) });

const publisher = v.strictObject({
  name: v.optional(text(256)),
  build: v.optional(text(256)),
  url: v.optional(webAddress),
});

const environmentName = v.pipe(
  v.string('must be text'),
  v.regex(
    ENVIRONMENT,
    'must be 1 to 63 lower-case letters, digits, dashes and underscores, a letter or digit first',
  ),
);

const document = v.pipe(
  v.strictObject({
    apiVersion: v.literal(API_VERSION, `must be ${API_VERSION}: this agent reads no other version`),
    environment: environmentName,
    serial: wholeNumber(1, Number.MAX_SAFE_INTEGER),
    issuedAt: utcTime,
    expiresAt: v.optional(utcTime),
    services: v.pipe(v.unknown(), notList, v.record(serviceName, service, 'must be an object of services')),
    rollout: v.optional(rollout),
    freeze: v.optional(freeze),
    publisher: v.optional(publisher),
    pace: v.optional(paceSchema),
    urgent: v.optional(urgentSchema),
  }),
  v.forward(
    v.check(
      ({ issuedAt, expiresAt }) => expiresAt === undefined || expiresAt > issuedAt,
      'must be later than issuedAt',
    ),
    ['expiresAt'],
  ),
  v.forward(
    v.check(
      (written) => written.pace === undefined || written.rollout === undefined,
      'cannot stand beside pace, which says when hosts switch: leave one of them out',
    ),
    ['rollout'],
  ),
  v.forward(
    v.check(
      ({ pace, urgent }) => urgent === undefined || pace !== undefined,
      'needs a pace: without one nothing holds a host back',
    ),
    ['urgent'],
  ),
  v.forward(
    v.check(
      ({ pace, services }) =>
        pace === undefined || Object.values(services).every(({ image }) => image.digest !== undefined),
      'needs a digest in the image of each service: hosts of a fleet compare versions by digest',
    ),
    ['pace'],
  ),
);

type Written = v.InferOutput<typeof document>;

const toService = (written: Written['services'][string]): ManifestService => ({
  image: written.image,
  imageIds: written.imageIds,
  ...(written.archives && { archives: written.archives }),
  attempt: written.attempt,
});

const toRollout = (written: NonNullable<Written['rollout']>): Rollout => ({
  startAtMs: written.startAt,
  durationSeconds: written.durationSeconds,
  startFraction: written.startFraction,
});

const toPublisher = (written: NonNullable<Written['publisher']>): Publisher => ({
  name: written.name,
  build: written.build,
  url: written.url,
});

const toManifest = (written: Written): Manifest => ({
  environment: written.environment,
  serial: written.serial,
  issuedAtMs: written.issuedAt,
  expiresAtMs: written.expiresAt,
  services: Object.fromEntries(
    Object.entries(written.services).map(([name, entry]) => [name, toService(entry)]),
  ),
  rollout: written.rollout === undefined ? undefined : toRollout(written.rollout),
  freeze: written.freeze,
  publisher: written.publisher === undefined ? undefined : toPublisher(written.publisher),
  pace: written.pace,
  urgent: written.urgent,
});

/**
 * Reads a manifest (docs/DOCUMENTS.md, "The manifest") from parsed JSON and refuses unknown keys at every
 * level.
 */
export const parseManifest = (value: unknown): ParsedManifest => {
  // valibot silently drops keys such as `constructor` from records, and a lookup of such a name would then
  // find an inherited function.
  const strange = findStrangeKey(value);
  if (strange !== undefined) return { kind: 'problems', problems: [strange] };
  const result = v.safeParse(document, value);
  return result.success
    ? { kind: 'manifest', manifest: toManifest(result.output) }
    : { kind: 'problems', problems: problemsOf(result.issues) };
};
