import { familiarName } from '../image/reference.ts';
import type { Manifest, ManifestService } from '../manifest/manifest.ts';
import { isoSeconds } from '../time.ts';
import { versionOf } from '../image/image-version.ts';
import { diffPace } from './pace-text.ts';

/** What a publish does to one service. */
export interface VersionChange {
  readonly service: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly kind: 'added' | 'changed' | 'retried' | 'removed' | 'unchanged';
  /** Another repository, or the same tag with other content. */
  readonly note: string | null;
}

const kindOf = (
  from: ManifestService | undefined,
  to: ManifestService | undefined,
): VersionChange['kind'] => {
  if (!from) return 'added';
  if (!to) return 'removed';
  if (from.image.digest !== to.image.digest || from.image.repository !== to.image.repository)
    return 'changed';
  return from.attempt === to.attempt ? 'unchanged' : 'retried';
};

const noteOf = (from: ManifestService | undefined, to: ManifestService | undefined): string | null => {
  if (!from || !to) return null;
  if (from.image.repository !== to.image.repository)
    return (
      `another repository, ${familiarName(to.image.repository)}: ` +
      `hosts with ${familiarName(from.image.repository)} in their compose files refuse it`
    );
  if (
    from.image.tag !== undefined &&
    from.image.tag === to.image.tag &&
    from.image.digest !== to.image.digest
  )
    return 'the tag means another image now';
  return null;
};

export const diffVersions = (
  before: Manifest | undefined,
  after: Pick<Manifest, 'services'>,
): readonly VersionChange[] =>
  [...new Set([...Object.keys(before?.services ?? {}), ...Object.keys(after.services)])]
    .toSorted()
    .map((service) => {
      const [from, to] = [before?.services[service], after.services[service]];
      return {
        service,
        from: from ? versionOf(from.image) : null,
        to: to ? versionOf(to.image) : null,
        kind: kindOf(from, to),
        note: noteOf(from, to),
      };
    });

/** A rollout belongs to the whole manifest, so the next publish ends it, whatever it changes. */
const rolloutEnds = (before: Manifest | undefined, after: Manifest): boolean => {
  const { rollout } = before ?? {};
  return (
    rollout !== undefined &&
    after.rollout === undefined &&
    rollout.startAtMs + rollout.durationSeconds * 1000 > after.issuedAtMs
  );
};

/** Other changes, as sentences. */
export const diffTerms = (before: Manifest | undefined, after: Manifest): readonly string[] => [
  ...(rolloutEnds(before, after)
    ? [
        `the rollout of serial ${String(before?.serial)} ends: hosts that were to follow later ` +
          (after.pace ? 'go by the pace' : 'switch at once'),
      ]
    : []),
  ...(before?.freeze && !after.freeze ? [`the freeze ends (${before.freeze.reason})`] : []),
  ...(after.freeze ? [`no switch begins on any host: ${after.freeze.reason}`] : []),
  ...(after.rollout
    ? [
        `hosts follow over ${String(after.rollout.durationSeconds)} s from ` +
          `${isoSeconds(after.rollout.startAtMs)} on, ` +
          `${String(Math.round(after.rollout.startFraction * 100))} % at once`,
      ]
    : []),
  ...diffPace(before, after),
  ...(after.urgent ? [`urgent, without waves and soak: ${after.urgent.reason}`] : []),
  ...(after.expiresAtMs === undefined ? [] : [`it expires at ${isoSeconds(after.expiresAtMs)}`]),
];
