import type { ReportSummary } from '../hub/read-report.ts';
import type { EpochMs } from '../time.ts';

/** When the last report of a host came. A report and a heartbeat both count. */
export interface HeardHost {
  readonly host: string;
  /** Of this change, in its environment. */
  readonly revision: number;
  readonly receivedAtMs: EpochMs;
  /** `Hearing.heardMs` when it came. */
  readonly heardMs: number;
  /** `Hearing.run` when it came. */
  readonly run: number;
  /** Number of the last report or heartbeat that was taken; null if the agent counts none. */
  readonly seq: number | null;
}

export type FleetChange =
  | (HeardHost & {
      readonly kind: 'report';
      /** Strong entity tag of the report's bytes. */
      readonly tag: string;
      readonly summary: ReportSummary;
    })
  /** A heartbeat that said nothing new: all else is as it was. */
  | (HeardHost & { readonly kind: 'heartbeat' })
  /** The report was removed. */
  | { readonly kind: 'removed'; readonly host: string; readonly revision: number; readonly run: number };

/** What tells a host that is silent from a store that hears no host. */
export interface Hearing {
  /** Another one once all reports are lost. Revisions of different lives cannot be compared. */
  readonly life: string;
  /** Of the last change; 0 before the first. */
  readonly revision: number;
  /** Grows with each report by the time since the one before, 90 s at most; so not while no host reports. */
  readonly heardMs: number;
  /** When the last report came, or the report before it was removed. */
  readonly atMs: EpochMs;
  /**
   * Counts the times that hosts were heard anew: after the start of a hub on files; after no report for 180
   * s.
   */
  readonly run: number;
  readonly runBeganMs: EpochMs;
  /** When the last report before this run came; 0 if there was none. */
  readonly beforeRunMs: EpochMs;
  /** The store had reports of this environment once, and had lost them all when this run began. */
  readonly hasLostReports: boolean;
}

export interface FleetChanges {
  readonly hearing: Hearing;
  /**
   * The changes are of a fleet of which the reader knows nothing: `since` was of another life or undefined.
   */
  readonly isWhole: boolean;
  /** The last change of each host after `since`, in the order of their revisions. */
  readonly changes: readonly FleetChange[];
}

export interface FleetLimits {
  readonly hosts: number;
  readonly environments: number;
}

export type TakenReport =
  | { readonly kind: 'taken'; readonly isNew: boolean }
  /** A later report of the host was faster: this one is dropped. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'too-many'; readonly what: keyof FleetLimits };

export interface NewReport {
  readonly host: string;
  readonly bytes: Uint8Array;
  /** Strong entity tag of the bytes. */
  readonly tag: string;
  readonly summary: ReportSummary;
}

export interface Heartbeat {
  readonly host: string;
  /** Tag of the report that it repeats. */
  readonly tag: string;
  readonly seq: number | null;
}

/**
 * Keeps the last report of every host. Times are of the clock of this hub. Each function throws AgentError
 * STORE; with `retry: 'later'` if the store is away for the moment.
 */
export interface FleetStore {
  /** Environments with a report, sorted by name. */
  readonly environments: () => Promise<readonly string[]>;
  /** What changed after `since`, by any hub. Every report that was acknowledged before the call is in it. */
  readonly changes: (
    environment: string,
    since: Pick<Hearing, 'life' | 'revision'> | undefined,
  ) => Promise<FleetChanges>;
  /**
   * Stores a report as `core/hub/report-order.ts` says: of one life of an agent the one with the highest
   * number stays, and a life that was replaced does not come back. Settles when it, or a later one of the
   * host, is stored.
   */
  readonly take: (environment: string, report: NewReport, limits: FleetLimits) => Promise<TakenReport>;
  /** `unknown`: the store does not hold that report, so that the host has to send it. */
  readonly beat: (environment: string, heartbeat: Heartbeat) => Promise<'taken' | 'unknown'>;
  /** The reports of these hosts, byte for byte; hosts without one are left out. */
  readonly reports: (
    environment: string,
    hosts: readonly string[],
  ) => Promise<ReadonlyMap<string, Uint8Array>>;
  /** Returns false if there was no report. */
  readonly remove: (environment: string, host: string) => Promise<boolean>;
}
