import type { RestartPolicy } from '../compose/project-model.ts';
import type { ImageOrigin } from '../image/image-origin.ts';
import type { Digest, ImageId } from '../image/reference.ts';
import type { AcceptedManifest } from '../manifest/manifest.ts';
import type { EpochMs } from '../time.ts';
import type { FailureReason } from '../vocabulary/reasons.ts';
import type { JobWord } from '../turns/turn-request.ts';
import type { Release } from './release.ts';

/** What must survive a restart and is not in the engine (docs/DOCUMENTS.md, "Files on the host"). */
export interface Ledger {
  readonly apiVersion: 'supercargo/ledger/v1';
  readonly environment: string;
  readonly accepted: AcceptedManifest | undefined;
  /** Set by `recover`: manifests below it are refused, although no manifest is remembered. */
  readonly floor: { readonly epoch: number; readonly serial: number } | undefined;
  readonly services: Readonly<Record<string, ServiceRecord>>;
  readonly hold: Hold | undefined;
  /** Set by `supercargo drain`. Older ledgers lack it. */
  readonly drain?: HostDrain | undefined;
  /** Set by `supercargo switch-now`. Older ledgers lack it. */
  readonly switchNow?: SwitchNow | undefined;
  /** The newest last. Older ledgers lack it. */
  readonly fleetJobs?: readonly DoneJob[] | undefined;
  /** When `recover` rebuilt the ledger. A release that ran at that time may have been good. */
  readonly recoveredAtMs?: EpochMs;
  /** Tag → digest, resolved once; see `tagKey`. */
  readonly tags: Readonly<Record<string, ResolvedTag>>;
  /** Ids of containers that this agent created or recognised, oldest first. Older ledgers lack it. */
  readonly containers?: readonly string[];
}

export interface ServiceRecord {
  /** Good releases, newest first; the first is the rollback target. At most KEEP_RELEASES. */
  readonly good: readonly GoodRelease[];
  readonly failure: Failure | undefined;
  /** Earlier failures, newest first. A release that failed is listed here or in `failure`. */
  readonly earlierFailures?: readonly Failure[] | undefined;
  readonly adoption: Adoption | undefined;
  /** Container id → when it stopped taking new connections. */
  readonly drains?: Readonly<Record<string, EpochMs>>;
  /** Where the images of its releases came from, newest first. Only people read it. */
  readonly fetched?: readonly FetchedImage[];
}

export interface FetchedImage extends ImageOrigin {
  readonly release: string;
  readonly fetchedAtMs: EpochMs;
}

export interface GoodRelease {
  readonly release: Release;
  readonly imageId: ImageId;
  readonly goodAtMs: EpochMs;
  /** True if it ended with 0 and has nothing more to run: a job, or a service with `restart: "no"`. */
  readonly completed: boolean;
}

/** A release that failed here. It is not tried again while release and attempt stay the same. */
export interface Failure {
  readonly release: string;
  readonly version: string;
  readonly attempt: number;
  readonly reason: FailureReason;
  /** The failed job, if the reason is `job-failed`. */
  readonly job?: { readonly service: string; readonly release: string };
  readonly message: string;
  /** Last lines of the container's log, without colour codes; may be empty. */
  readonly log: readonly string[];
  readonly failedAtMs: EpochMs;
}

/**
 * The attempt of a failure that `retry` lifted; no real attempt has this number. The failure stays, because
 * it tells old containers of the release from new ones.
 */
export const LIFTED = -1;

/** Newest first. */
export const failuresOf = ({ failure, earlierFailures }: ServiceRecord): readonly Failure[] =>
  failure ? [failure, ...(earlierFailures ?? [])] : [];

export const failureOf = (record: ServiceRecord, release: string): Failure | undefined =>
  failuresOf(record).find((f) => f.release === release);

export const isQuarantined = (record: ServiceRecord): boolean =>
  failuresOf(record).some((f) => f.attempt !== LIFTED);

export const withFailures = ([failure, ...earlier]: readonly Failure[]): Pick<
  ServiceRecord,
  'failure' | 'earlierFailures'
> => ({ failure, earlierFailures: earlier.length === 0 ? undefined : earlier });

/** A foreign container that a service took over, as it was before the takeover. */
export interface Adoption {
  readonly containerId: string;
  readonly name: string;
  readonly restart: RestartPolicy;
  readonly wasRunning: boolean;
}

export interface Hold {
  readonly reason: string;
  readonly owner: string;
  readonly sinceMs: EpochMs;
  readonly untilMs: EpochMs | undefined;
  /** True if the hold stops drift repair too. */
  readonly all: boolean;
}

/** The host is out of service: load balancers are told, and its services are stopped. */
export interface HostDrain {
  readonly reason: string;
  readonly owner: string;
  readonly sinceMs: EpochMs;
  readonly untilMs: EpochMs | undefined;
}

/** The switches of one manifest begin without a turn, and although they are halted. */
export interface SwitchNow {
  /** Of the accepted manifest; 0 without one. A later manifest needs turns again. */
  readonly serial: number;
  readonly reason: string;
  readonly owner: string;
  readonly sinceMs: EpochMs;
}

/** A job that runs once in the fleet, of which this host knows that it has completed, here or elsewhere. */
export interface DoneJob extends JobWord {
  /** When this host got to know it. */
  readonly atMs: EpochMs;
}

export type ResolvedTag =
  | { readonly kind: 'digest'; readonly digest: Digest; readonly serial: number }
  /** The image exists on this host only. */
  | { readonly kind: 'local'; readonly imageId: ImageId; readonly serial: number };

export const emptyLedger = (environment: string): Ledger => ({
  apiVersion: 'supercargo/ledger/v1',
  environment,
  accepted: undefined,
  floor: undefined,
  services: {},
  hold: undefined,
  tags: {},
});

/** Whether a container may predate the recovery. Older agents recorded only the floor: then any may. */
export const isPresumedGood = (
  { floor, recoveredAtMs }: Pick<Ledger, 'floor' | 'recoveredAtMs'>,
  createdAtMs: EpochMs = Infinity,
): boolean => (recoveredAtMs === undefined ? floor !== undefined : createdAtMs <= recoveredAtMs);

const NO_RECORD: ServiceRecord = { good: [], failure: undefined, adoption: undefined };

export const serviceRecord = (ledger: Ledger, service: string): ServiceRecord =>
  ledger.services[service] ?? NO_RECORD;

export const withService = (ledger: Ledger, service: string, change: Partial<ServiceRecord>): Ledger => ({
  ...ledger,
  services: { ...ledger.services, [service]: { ...serviceRecord(ledger, service), ...change } },
});

/** How many ids of missing containers are kept: the last listing lacks a container just created. */
const MAX_GONE = 200;

/** Adds container ids to the ledger. `alive` holds the ids of the engine's last listing. */
export const withContainers = (
  ledger: Ledger,
  ids: readonly string[],
  alive: ReadonlySet<string>,
): Ledger => {
  const before = ledger.containers ?? [];
  const added = ids.filter((id) => !before.includes(id));
  if (added.length === 0) return ledger;
  const all = [...before, ...added];
  const gone = all.filter((id) => !alive.has(id));
  const dropped = new Set(gone.slice(0, Math.max(0, gone.length - MAX_GONE)));
  return { ...ledger, containers: all.filter((id) => !dropped.has(id)) };
};

export const isHoldActive = (hold: Hold | undefined, nowMs: EpochMs): hold is Hold =>
  hold !== undefined && (hold.untilMs === undefined || nowMs < hold.untilMs);

export const isDrainActive = (drain: HostDrain | undefined, nowMs: EpochMs): drain is HostDrain =>
  drain !== undefined && (drain.untilMs === undefined || nowMs < drain.untilMs);
