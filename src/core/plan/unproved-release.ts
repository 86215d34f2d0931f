import { parseImage } from '../image/reference.ts';
import type { Container } from '../state/actual.ts';
import { releaseOfImage } from '../state/desired.ts';
import { failureOf, isPresumedGood } from '../state/ledger.ts';
import type { Release, ReleaseImage } from '../state/release.ts';
import type { ServiceContext } from './plan-input.ts';

/** Whether the release was good here, or ran when a lost ledger was rebuilt and so counts as good. */
export const isProven = (c: Pick<ServiceContext, 'input' | 'record'>, container: Container): boolean => {
  const release = (container.copyOf ?? container.owner)?.release;
  return (
    c.record.good.some((g) => g.release.id === release) ||
    isPresumedGood(c.input.ledger, container.detail?.createdAtMs)
  );
};

/**
 * The newest started release, beside the desired one, that has neither proved itself nor failed, because
 * another version was published meanwhile. It is no rollback target, but keeps its chance until its own
 * deadline.
 */
export const trialOf = (c: ServiceContext, desired: string): Release | undefined => {
  const started = c.own
    .filter((o) => o.owner && !o.copyOf && o.owner.release !== desired && o.detail?.startedAtMs !== undefined)
    .filter((o) => !isProven(c, o) && failureOf(c.record, o.owner?.release ?? '') === undefined)
    .toSorted((a, b) => (b.detail?.startedAtMs ?? 0) - (a.detail?.startedAtMs ?? 0));
  for (const container of started) {
    const release = releaseIn(c, container);
    if (release) return release;
  }
  return undefined;
};

/**
 * Rebuilds a container's release from its image and the present compose files; the release id proves it
 * right. Returns undefined if the files have changed since, or if the image's digest is unknown.
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
