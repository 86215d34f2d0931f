import { heardStepMs, startsNewRun } from '../../core/hub/hearing.ts';
import { isOutdated, isOutdatedBeat, replacedBy } from '../../core/hub/report-order.ts';
import type { FleetLimits, Heartbeat, NewReport, TakenReport } from '../../core/ports/fleet-store.ts';
import type { EpochMs } from '../../core/time.ts';

/** The fleet of an environment as it is stored, in times of the database. */
export interface StoredFleet {
  readonly revision: number;
  /** Hosts with a report. */
  readonly hosts: number;
  readonly heardMs: number;
  readonly atMs: EpochMs;
  /** When the last report came. */
  readonly reportedMs: EpochMs;
  readonly run: number;
  readonly runBeganMs: EpochMs;
  readonly beforeRunMs: EpochMs;
  readonly hasLostReports: boolean;
}

/** What the order of its reports depends on. */
export interface StoredHost {
  readonly tag: string;
  readonly seq: number | null;
  readonly life: string | null;
  readonly replacedLives: readonly string[];
}

export type Change =
  | { readonly kind: 'take'; readonly report: NewReport; readonly limits: FleetLimits }
  | { readonly kind: 'beat'; readonly beat: Heartbeat }
  | { readonly kind: 'remove'; readonly host: string };

export type Outcome = TakenReport | 'taken' | 'unknown' | boolean;

/** What becomes of a host by one batch. */
export interface HostWrite extends StoredHost {
  readonly host: string;
  readonly revision: number;
  readonly heardMs: number;
  readonly run: number;
  /** Undefined for a heartbeat alone, null if the report was removed. */
  readonly report: NewReport | null | undefined;
}

export interface BatchInput {
  readonly fleet: StoredFleet;
  /** Without those whose report was removed. */
  readonly hosts: ReadonlyMap<string, StoredHost>;
  /** Other environments with a report. */
  readonly otherEnvironments: number;
  /** Whether reports of this environment were stored before, and may have been lost. */
  readonly hadReports: boolean;
  readonly atMs: EpochMs;
  readonly changes: readonly Change[];
}

export interface BatchResult {
  readonly fleet: StoredFleet;
  readonly writes: readonly HostWrite[];
  /** One for each change. */
  readonly outcomes: readonly Outcome[];
}

const NO_HOST: StoredHost = { tag: '', seq: null, life: null, replacedLives: [] };

const hear = (fleet: StoredFleet, { atMs, hadReports }: BatchInput): StoredFleet => {
  const isFirst = fleet.run === 0;
  const heard = {
    ...fleet,
    revision: fleet.revision + 1,
    heardMs: fleet.heardMs + (isFirst ? 0 : heardStepMs(fleet.reportedMs, atMs)),
    atMs,
    reportedMs: atMs,
  };
  if (!isFirst && !startsNewRun(fleet.reportedMs, atMs)) return heard;
  return {
    ...heard,
    run: fleet.run + 1,
    runBeganMs: atMs,
    beforeRunMs: fleet.reportedMs,
    hasLostReports: isFirst && hadReports,
  };
};

/**
 * Applies changes of one moment in their order, as if each had come alone. Several of one host end in one
 * write.
 */
export const applyBatch = (input: BatchInput): BatchResult => {
  const hosts = new Map(input.hosts);
  const writes = new Map<string, HostWrite>();
  let { fleet } = input;

  const take = ({ report, limits }: Extract<Change, { kind: 'take' }>): TakenReport => {
    const { host, tag, summary } = report;
    const { turns } = summary.word;
    const before = hosts.get(host);
    const stored = before && {
      replacedLives: before.replacedLives,
      summary: {
        word: { turns: before.life === null ? null : { life: before.life, seq: before.seq ?? 0 } },
      },
    };
    if (stored && isOutdated(stored, turns)) return { kind: 'outdated' };
    if (fleet.hosts === 0 && input.otherEnvironments >= limits.environments)
      return { kind: 'too-many', what: 'environments' };
    if (!before && fleet.hosts >= limits.hosts) return { kind: 'too-many', what: 'hosts' };
    fleet = { ...hear(fleet, input), hosts: fleet.hosts + (before ? 0 : 1) };
    const next = {
      tag,
      seq: turns?.seq ?? null,
      life: turns?.life ?? null,
      replacedLives: replacedBy(stored, turns),
    };
    hosts.set(host, next);
    const { revision, heardMs, run } = fleet;
    writes.set(host, { ...next, host, report, revision, heardMs, run });
    return { kind: 'taken', isNew: !before };
  };

  const beat = ({ host, tag, seq }: Heartbeat): 'taken' | 'unknown' => {
    const before = hosts.get(host);
    if (before?.tag !== tag) return 'unknown';
    if (isOutdatedBeat(before.seq, seq)) return 'taken';
    fleet = hear(fleet, input);
    const next = { ...before, seq: seq ?? before.seq };
    hosts.set(host, next);
    const { revision, heardMs, run } = fleet;
    writes.set(host, { ...next, host, report: writes.get(host)?.report, revision, heardMs, run });
    return 'taken';
  };

  const remove = (host: string): boolean => {
    if (!hosts.delete(host)) return false;
    fleet = { ...fleet, revision: fleet.revision + 1, hosts: fleet.hosts - 1, atMs: input.atMs };
    const { revision, heardMs, run } = fleet;
    writes.set(host, { ...NO_HOST, host, report: null, revision, heardMs, run });
    return true;
  };

  const outcomes = input.changes.map((change): Outcome => {
    switch (change.kind) {
      case 'take':
        return take(change);
      case 'beat':
        return beat(change.beat);
      case 'remove':
        return remove(change.host);
    }
  });
  return { fleet, writes: [...writes.values()], outcomes };
};
