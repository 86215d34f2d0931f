import type { ImageReference } from '../image/reference.ts';
import { AgentError } from '../errors.ts';
import type { Freeze, Manifest, ManifestService, Publisher, Rollout } from '../manifest/model.ts';
import type { PublishedImage } from '../ports/image-registry.ts';
import { quote } from '../manifest/text.ts';
import type { EpochMs } from '../time.ts';

/** What is published beside the versions. */
export interface DraftOptions {
  readonly nowMs: EpochMs;
  /** Undefined: it never expires. */
  readonly expiresInMs: number | undefined;
  readonly rollout: Rollout | undefined;
  readonly freeze: Freeze | undefined;
  readonly publisher: Publisher | undefined;
}

export type Services = Manifest['services'];

/** A version as its registry knows it. What was published before under the same digest keeps its attempt and its archives. */
export const resolvedService = (
  image: ImageReference,
  published: PublishedImage,
  before: ManifestService | undefined,
): ManifestService => {
  const isSame = before?.image.digest === published.digest && before.image.repository === image.repository;
  return {
    image: { ...image, digest: published.digest },
    imageIds: published.imageIds,
    ...(isSame && before.archives && { archives: before.archives }),
    attempt: isSame ? before.attempt : 0,
  };
};

/**
 * The same version once more, everywhere it was given up.
 * @throws AgentError USAGE where a service is not published here.
 */
export const retried = (services: Services, names: readonly string[]): Services => {
  const missing = names.find((name) => !services[name]);
  if (missing !== undefined)
    throw new AgentError('USAGE', `${quote(missing)} is not published in this environment`, {
      advice: `published here: ${Object.keys(services).join(', ') || 'nothing'}`,
    });
  return Object.fromEntries(
    Object.entries(services).map(([name, s]) => [
      name,
      names.includes(name) ? { ...s, attempt: s.attempt + 1 } : s,
    ]),
  );
};

export const draft = (
  environment: string,
  serial: number,
  services: Services,
  options: DraftOptions,
): Manifest => ({
  environment,
  serial,
  issuedAtMs: options.nowMs,
  expiresAtMs: options.expiresInMs === undefined ? undefined : options.nowMs + options.expiresInMs,
  services,
  rollout: options.rollout,
  freeze: options.freeze,
  publisher: options.publisher,
});

/** No restored store is so many publishes behind its hosts. */
const BELIEVABLE = 1_000_000;
const MOST = Number.MAX_SAFE_INTEGER - BELIEVABLE;

/**
 * The highest serial that anybody has seen: a store that was restored from a backup is behind its hosts, and what it hands out would
 * be refused by them. A host that claims an absurd one is not believed: whoever has one host's report token could use all serials up.
 */
export const highestSerial = (stored: readonly number[], told: readonly (number | null)[]): number => {
  const known = Math.max(0, ...stored);
  const most = known === 0 ? MOST : known + BELIEVABLE;
  return Math.max(known, ...told.filter((serial) => serial !== null && serial <= most).map(Number));
};
