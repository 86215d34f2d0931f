import { parseImage } from '../image/reference.ts';
import type { Container } from '../state/actual.ts';
import { releaseOfImage } from '../state/desired.ts';
import { failureOf, isPresumedGood } from '../state/ledger.ts';
import type { Release, ReleaseImage } from '../state/release.ts';
import type { ServiceContext } from './plan-input.ts';

/**
 * Whether this container's release was good here, or ran when a lost ledger was rebuilt: then nothing says
 * that it was not.
 */
export const isProven = (c: ServiceContext, container: Container): boolean => {
  const release = (container.copyOf ?? container.owner)?.release;
  return (
    c.record.good.some((g) => g.release.id === release) ||
    isPresumedGood(c.input.ledger, container.detail?.createdAtMs)
  );
};

/**
 * The newest release, other than the one that is wanted, that was started here and has neither proved itself
 * nor failed: another version was published meanwhile. It is nothing to go back to, but it keeps its chance
 * until its own deadline.
 */
export const trialOf = (c: ServiceContext, wanted: string): Release | undefined => {
  const started = c.own
    .filter((o) => o.owner && !o.copyOf && o.owner.release !== wanted && o.detail?.startedAtMs !== undefined)
    .filter((o) => !isProven(c, o) && failureOf(c.record, o.owner?.release ?? '') === undefined)
    .toSorted((a, b) => (b.detail?.startedAtMs ?? 0) - (a.detail?.startedAtMs ?? 0));
  for (const container of started) {
    const release = releaseIn(c, container);
    if (release) return release;
  }
  return undefined;
};

/**
 * The release of a container, made of its image and of the compose files as they are now; its id says whether
 * that is what the container was made of. Undefined where they have changed since, or nothing says by which
 * digest the image came here.
 */
const releaseIn = (c: ServiceContext, { owner, imageId }: Container): Release | undefined => {
  const { input, service } = c;
  const { repository } = parseImage(service.image);
  const image = input.actual.images.find((i) => i.id === imageId);
  const base: ReleaseImage = {
    reference: { ...parseImage(service.image), tag: undefined, digest: undefined },
    digest: undefined,
    imageId,
    pullPolicy: service.pullPolicy,
    platform: service.container.platform,
  };
  const digests = (image?.digests ?? []).filter((d) => d.repository === repository);
  const images = [...digests.map(({ digest }) => ({ ...base, digest })), base];
  const named = { version: owner?.version ?? '', serial: owner?.serial ?? 0 };
  return images
    .map((i) => releaseOfImage(input, service, i, named))
    .find((release) => release.id === owner?.release);
};
