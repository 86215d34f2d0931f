import type { HostLabels } from '../fleet/host-labels.ts';
import type { AuditEntry } from './turn-state.ts';
import type { SlotHolder } from './turn-request.ts';

/**
 * The document of `GET /rollouts/ENV` and of `rollout status --json`: how far the changes of one environment
 * are. Times are ISO 8601 in UTC; null means none.
 */
export interface RolloutStatus {
  readonly apiVersion: 'supercargo/rollout/v1';
  readonly environment: string;
  readonly at: string;
  readonly revision: number;
  readonly serial: number;
  /** As in the manifest; null without one: then each host decides alone. */
  readonly pace: WrittenPace | null;
  /** Why nothing is granted for the moment: the store has started, and waits for these hosts' reports. */
  readonly starting: { readonly hosts: readonly string[]; readonly until: string } | null;
  /** Set by `rollout halt`. */
  readonly halt: {
    readonly reason: string;
    readonly by: string;
    readonly at: string;
    readonly until: string | null;
  } | null;
  /** Ascending serials; those that are finished and not yet overtaken too. */
  readonly changes: readonly ChangeStatus[];
  /** Versions that were overtaken before they were finished: `rollback` passes them over. */
  readonly abandoned: readonly { readonly entry: string; readonly digest: string }[];
  /** Every place that is taken. */
  readonly holders: readonly SlotHolder[];
  readonly leftOut: readonly {
    readonly host: string;
    readonly reason: string;
    readonly by: string;
    readonly at: string;
  }[];
  /** Jobs that run once in the fleet, the newest first. */
  readonly jobs: readonly JobStatus[];
  /** Hosts whose agent is too old to take turns. */
  readonly tooOld: readonly string[];
  /** Newest first. */
  readonly audit: readonly AuditStatus[];
}

export interface JobStatus {
  readonly job: string;
  readonly digest: string;
  readonly attempt: number;
  readonly state: 'running' | 'done' | 'failed' | 'lost';
  readonly host: string | null;
  readonly at: string;
  readonly message: string | null;
  readonly log: readonly string[];
}

export type AuditStatus = Omit<AuditEntry, 'atMs'> & { readonly at: string };

/** A pace as a manifest writes it. */
export interface WrittenPace {
  readonly maxParallel: number | string;
  readonly waves: readonly ({ readonly labels: HostLabels } | { readonly share: string })[];
  readonly soakSeconds: number;
  readonly haltAfter: number | string;
  readonly turnSeconds: number;
}

export const CHANGE_STATES = ['switching', 'soaking', 'waiting', 'halted', 'finished'] as const;
/** `waiting`: every member of the open wave is excused, or no host reports such a service. */
export type ChangeState = (typeof CHANGE_STATES)[number];

export interface ChangeStatus {
  readonly serial: number;
  readonly at: string;
  readonly state: ChangeState;
  readonly urgent: string | null;
  readonly entries: readonly { readonly entry: string; readonly version: string }[];
  readonly waves: readonly WaveStatus[];
  /** When the soak of the open wave ends; null if it does not soak. */
  readonly soaksUntil: string | null;
  readonly halted: { readonly reason: string; readonly at: string; readonly hosts: readonly string[] } | null;
  readonly failures: readonly FailureOfHost[];
}

export interface WaveStatus {
  /** `canary=true` or `10%`. */
  readonly name: string;
  readonly openedAt: string | null;
  /** Hosts of it; of a share that is not open yet, how many it will be. */
  readonly hosts: number;
  readonly good: number;
  readonly failed: readonly string[];
  /** Members that have a turn for it now. */
  readonly switching: readonly string[];
  /** Members that wait for a turn or prepare. */
  readonly waiting: readonly string[];
  /** Those of `waiting` that lack something else than a turn, and what. */
  readonly unready: readonly { readonly host: string; readonly reason: string }[];
  readonly excused: readonly { readonly host: string; readonly reason: string }[];
}

export interface FailureOfHost {
  readonly host: string;
  readonly result: 'failed' | 'lost' | 'stuck' | 'returned';
  readonly at: string;
  readonly message: string | null;
  readonly log: readonly string[];
  /** It no longer counts: `rollout resume` forgave it. */
  readonly forgiven: boolean;
}
