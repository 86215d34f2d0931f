import type { Desired } from '../state/desired.ts';
import { entryOf } from '../state/desired.ts';
import { hasRunInFleet } from '../state/fleet-jobs.ts';
import { failureOf, LIFTED } from '../state/ledger.ts';
import type { Release } from '../state/release.ts';
import type { SwitchStatus } from '../status/status-document.ts';
import type { SwitchState } from '../turns/host-word.ts';
import type { SwitchKind } from '../turns/turn-request.ts';
import type { EpochMs } from '../time.ts';
import { hasBegun, type ServiceContext } from './plan-input.ts';
import { quarantineOf } from './quarantine.ts';
import { contextOf } from './service-context.ts';
import { isProven } from './unproved-release.ts';

type DesiredRelease = Extract<Desired, { kind: 'release' }>;

/** How far the host is with the release that the service should run, from ledger and engine alone. */
export const switchingOf = (c: ServiceContext, { release, attempt }: DesiredRelease): SwitchStatus => ({
  entry: entryOf(c.service),
  release: release.id,
  digest: release.image.digest ?? null,
  attempt,
  state: stateOf(c, release, attempt),
  kind: kindOf(c, release),
  unsettled: c.own.some((o) => isUnsettled(c, o, release.id)),
  hasServed: c.record.good.length > 0 || c.own.some((o) => isProven(c, o)),
});

const stateOf = (c: ServiceContext, release: Release, attempt: number): SwitchState => {
  if (c.record.good[0]?.release.id === release.id || hasRunInFleet(c.input.ledger, release)) return 'good';
  if (quarantineOf(c.input, c.service.name, release.id, attempt)) return 'failed';
  return hasBegun(c, release.id) || hasRunJob(c, release.id) ? 'begun' : 'none';
};

/**
 * What kind of switch brings the release in. Containers of the release itself say nothing: they may be what is left
 * of a first try that failed.
 */
export const kindOf = (c: ServiceContext, release: Release): SwitchKind => {
  if (release.fleetJob) return 'job';
  const good = c.record.good[0];
  const isNew = good === undefined && c.own.every((o) => o.owner?.release === release.id);
  if (isNew && !c.foreign) return 'first';
  if (entryOf(c.service) === null) return 'files';
  const isSameImage =
    good !== undefined && imageOf(good.release) === imageOf(release) && imageOf(release) !== undefined;
  return isSameImage ? 'files' : 'version';
};

const imageOf = ({ image }: Release): string | undefined => image.digest ?? image.imageId;

const isUnsettled = (c: ServiceContext, o: ServiceContext['own'][number], release: string): boolean =>
  o.owner !== undefined &&
  o.copyOf === undefined &&
  o.owner.release !== release &&
  !isProven(c, o) &&
  failureOf(c.record, o.owner.release) === undefined;

/**
 * Whether a job of this very switch has begun: its id holds the releases of the services that wait for it. A
 * job before the release failed here belongs to the earlier try, and one that runs once in the fleet to none.
 */
const hasRunJob = (c: ServiceContext, release: string): boolean => {
  const sinceMs = failureOf(c.record, release)?.failedAtMs ?? -1;
  return jobsOf(c).some(
    (job) => hasRun(job.context, job.release, job.attempt, sinceMs) || isAnyRunning(job.context),
  );
};

const jobsOf = (c: ServiceContext) =>
  c.service.dependsOn.flatMap(({ service, condition }) => {
    const job = c.input.project.services[service];
    const wanted = c.input.desired[service];
    return condition === 'completed' && job && wanted?.kind === 'release' && !wanted.release.fleetJob
      ? [
          {
            context: contextOf(c.input, job, c.opensAtMs),
            release: wanted.release.id,
            attempt: wanted.attempt,
          },
        ]
      : [];
  });

const hasRun = (c: ServiceContext, release: string, attempt: number, sinceMs: EpochMs): boolean => {
  const good = c.record.good[0];
  if (good?.release.id === release) return good.goodAtMs > sinceMs;
  const failure = failureOf(c.record, release);
  const hasFailed = failure !== undefined && failure.attempt !== LIFTED && failure.attempt === attempt;
  return (hasFailed && failure.failedAtMs > sinceMs) || hasBegun(c, release);
};

/** Of jobs before the job, only a running one surely belongs to this switch: their ids do not say so. */
const isAnyRunning = (c: ServiceContext): boolean =>
  jobsOf(c).some(
    ({ context, release }) =>
      (context.record.good[0]?.release.id !== release && hasBegun(context, release)) || isAnyRunning(context),
  );
