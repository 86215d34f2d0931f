import type { ReportedChange, ReportedFailure, ReportedRollout, ReportedWave } from './read-rollout.ts';

/** What has happened to a change between two readings of it. */
export type RolloutNews =
  | { readonly kind: 'wave'; readonly number: number; readonly wave: ReportedWave }
  | { readonly kind: 'good'; readonly host: string }
  | { readonly kind: 'failure'; readonly failure: ReportedFailure }
  /** The change's state is another one. */
  | { readonly kind: 'state' };

const openedWaves = (before: ReportedChange | undefined, { waves }: ReportedChange): readonly RolloutNews[] =>
  waves.flatMap((wave, index) =>
    wave.openedAt !== null && (before?.waves[index]?.openedAt ?? null) === null
      ? [{ kind: 'wave', number: index + 1, wave }]
      : [],
  );

/** Hosts of open waves that are not good: a rollout names no others. */
const namedIn = ({ waves }: ReportedChange): readonly string[] => [
  ...new Set(
    waves.flatMap(({ failed, switching, waiting, excused }) => [
      ...failed,
      ...switching,
      ...waiting,
      ...excused.map(({ host }) => host),
    ]),
  ),
];

const goodIn = ({ waves }: ReportedChange): number => waves.reduce((sum, { good }) => sum + good, 0);

/** A host that is named no more while more hosts are good. One that was removed leaves their number as it was. */
const becameGood = (before: ReportedChange | undefined, after: ReportedChange): readonly string[] => {
  if (before === undefined || goodIn(after) <= goodIn(before)) return [];
  const named = new Set(namedIn(after));
  return namedIn(before).filter((host) => !named.has(host));
};

const keyOf = ({ host, result, at }: ReportedFailure): string => JSON.stringify([host, result, at]);

const newFailures = (
  before: ReportedChange | undefined,
  { failures }: ReportedChange,
): readonly ReportedFailure[] => {
  const known = new Set(before?.failures.map(keyOf));
  return failures.filter((failure) => !failure.forgiven && !known.has(keyOf(failure)));
};

/** In the order in which people read it. `before` is undefined at the first reading. */
export const newsOf = (before: ReportedChange | undefined, after: ReportedChange): readonly RolloutNews[] => [
  ...openedWaves(before, after),
  ...becameGood(before, after).map((host) => ({ kind: 'good', host }) as const),
  ...newFailures(before, after).map((failure) => ({ kind: 'failure', failure }) as const),
  ...(before?.state === after.state || (before === undefined && after.state === 'switching')
    ? []
    : [{ kind: 'state' } as const]),
];

type ReportedJob = ReportedRollout['jobs'][number];

const jobKey = ({ job, digest, attempt, state, host }: ReportedJob): string =>
  JSON.stringify([job, digest, attempt, state, host]);

/**
 * Runs of jobs that began or ended between two readings, the oldest first. `before` is undefined at the first
 * reading: then those since the changes were made that are followed.
 */
export const newsOfJobs = (
  before: readonly ReportedJob[] | undefined,
  after: readonly ReportedJob[],
  followed: readonly ReportedChange[],
): readonly ReportedJob[] => {
  const madeMs = Math.min(...followed.map(({ at }) => Date.parse(at)));
  const known = new Set(before?.map(jobKey));
  return after
    .filter((job) => (before ? !known.has(jobKey(job)) : Date.parse(job.at) >= madeMs))
    .toReversed();
};
