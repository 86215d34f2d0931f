import { canonicalSha256 } from '../compose/canonical.ts';
import type { EpochMs } from '../time.ts';
import type { JobWord } from '../turns/turn-request.ts';
import type { Ledger } from './ledger.ts';
import type { Release } from './release.ts';

const MOST_JOBS = 200;

/**
 * The release of a job that runs once in the fleet. Its id says nothing of its settings, because another
 * command or variable does not run it again.
 */
export const asFleetJob = (release: Release, attempt: number): Release => {
  const { service, image } = release;
  const id = canonicalSha256({ fleetJob: service, digest: image.digest ?? image.imageId ?? '', attempt });
  return { ...release, id, fleetJob: { attempt } };
};

/** What a run of the release is known by in the fleet; undefined if it is no such job, or has no digest. */
export const fleetJobOf = ({ service, image: { digest }, fleetJob }: Release): JobWord | undefined =>
  fleetJob && digest !== undefined ? { service, digest, attempt: fleetJob.attempt } : undefined;

const isSame = (a: JobWord, b: JobWord): boolean =>
  a.service === b.service && a.digest === b.digest && a.attempt === b.attempt;

/** Whether the release is such a job, and has run somewhere in the fleet. */
export const hasRunInFleet = ({ fleetJobs = [] }: Pick<Ledger, 'fleetJobs'>, release: Release): boolean => {
  const job = fleetJobOf(release);
  return job !== undefined && fleetJobs.some((done) => isSame(done, job));
};

/** Adds jobs that are done; the oldest are dropped. */
export const withDoneJobs = (ledger: Ledger, jobs: readonly JobWord[], nowMs: EpochMs): Ledger => {
  const known = ledger.fleetJobs ?? [];
  const added = jobs.filter((job) => !known.some((done) => isSame(done, job)));
  if (added.length === 0) return ledger;
  const done = added.map(({ service, digest, attempt }) => ({ service, digest, attempt, atMs: nowMs }));
  return { ...ledger, fleetJobs: [...known, ...done].slice(-MOST_JOBS) };
};
