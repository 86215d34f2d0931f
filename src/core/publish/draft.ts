import { highestNext, highestOf } from '../manifest/serial.ts';
import type { ImageReference } from '../image/reference.ts';
import { AgentError } from '../errors.ts';
import type { Freeze, Manifest, ManifestService, Publisher, Rollout, Urgent } from '../manifest/manifest.ts';
import type { Pace } from '../manifest/pace.ts';
import type { PublishedImage } from '../ports/image-registry.ts';
import { quote } from '../manifest/text.ts';
import type { EpochMs } from '../time.ts';

/** Terms of a manifest beside its versions. */
export interface DraftOptions {
  readonly nowMs: EpochMs;
  /** Undefined if the manifest never expires. */
  readonly expiresInMs: number | undefined;
  readonly rollout: Rollout | undefined;
  readonly freeze: Freeze | undefined;
  readonly publisher: Publisher | undefined;
}

/** How the hosts follow. */
export interface Speed {
  readonly pace: Pace | undefined;
  readonly urgent: Urgent | undefined;
  /** A freeze that goes on; every other publish ends it. */
  readonly freeze?: Freeze | undefined;
}

export type Services = Manifest['services'];

/** A version with the registry's digest. An equal digest in `before` keeps its attempt and archives. */
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
 * Raises the attempt of services, so that hosts try a failed version again.
 * @throws AgentError USAGE if a service is not published
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
  { pace, urgent, freeze }: Speed = { pace: undefined, urgent: undefined },
): Manifest => ({
  environment,
  serial,
  issuedAtMs: options.nowMs,
  expiresAtMs: options.expiresInMs === undefined ? undefined : options.nowMs + options.expiresInMs,
  services,
  rollout: options.rollout,
  freeze: options.freeze ?? freeze,
  publisher: options.publisher,
  pace,
  urgent,
});

/**
 * The highest known serial. Reports count because hosts are ahead of a store that was restored from a backup,
 * and refuse lower serials. A report further ahead than one publish may go is ignored: one host's token could
 * otherwise use up all serials.
 */
export const highestSerial = (stored: readonly number[], reported: readonly (number | null)[]): number => {
  const known = highestOf(stored);
  return highestOf([
    known,
    ...reported.flatMap((serial) => (serial !== null && serial < highestNext(known) ? [serial] : [])),
  ]);
};

/**
 * Checks a serial given by an operator. @throws AgentError USAGE if hosts or a hub would refuse it, or if it
 * leaves no room for later ones
 */
export const refuseSerial = (serial: number, highest: number): void => {
  if (serial <= highest)
    throw new AgentError(
      'USAGE',
      `serial ${String(serial)} is not above ${String(highest)}, which was published before`,
      { advice: `leave --serial out, or give ${String(highest + 1)} or more: hosts refuse a lower one` },
    );
  if (serial <= highestNext(highest)) return;
  throw new AgentError(
    'USAGE',
    `serial ${String(serial)} is too far above ${String(highest)}: too few serials would be left`,
    { advice: `leave --serial out, or give ${String(highestNext(highest))} or less` },
  );
};
