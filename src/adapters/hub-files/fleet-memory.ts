import { heardStepMs } from '../../core/hub/hearing.ts';
import { isOutdated, isOutdatedBeat, replacedBy } from '../../core/hub/report-order.ts';
import type {
  FleetChange,
  FleetChanges,
  HeardHost,
  Hearing,
  Heartbeat,
  NewReport,
} from '../../core/ports/fleet-store.ts';
import type { EpochMs } from '../../core/time.ts';

export interface LoadedReport extends NewReport {
  readonly receivedAtMs: EpochMs;
}

export interface FleetStart {
  readonly life: string;
  readonly startMs: EpochMs;
  /** Reports from before the start. */
  readonly loaded: readonly LoadedReport[];
  readonly hasTurns: boolean;
}

interface KeptReport extends NewReport, HeardHost {
  /** Of the change with which these bytes came. */
  readonly reportRevision: number;
  /** Lives of the agent that a later one has replaced, the last ones. */
  readonly replacedLives: readonly string[];
}

/** The hosts of one environment as this hub has heard them. */
export interface HeardFleet {
  readonly size: () => number;
  readonly bytesOf: (host: string) => Uint8Array | undefined;
  readonly has: (host: string) => boolean;
  readonly isOutdated: (report: NewReport) => boolean;
  readonly take: (report: NewReport, nowMs: EpochMs) => void;
  readonly beat: (heartbeat: Heartbeat, nowMs: EpochMs) => 'taken' | 'unknown';
  readonly remove: (host: string, nowMs: EpochMs) => boolean;
  readonly changes: (since: Pick<Hearing, 'life' | 'revision'> | undefined) => FleetChanges;
}

/** Each start of the hub is a life with one run. Reports from before it are of no run. */
const RUN = 1;
const BEFORE = 0;
/** So many outdated mentions are kept at least, so that few changes do not cause many clean-ups. */
const LEAST_SURPLUS = 1000;

const newestOf = (loaded: readonly LoadedReport[]): EpochMs =>
  loaded.reduce((newest, { receivedAtMs }) => Math.max(newest, receivedAtMs), 0);

const seqOf = ({ summary }: NewReport): number | null => summary.word.turns?.seq ?? null;

/** A heartbeat counts like the report that it repeats. */
const wordNow = ({ summary, replacedLives, seq }: KeptReport) => {
  const { turns } = summary.word;
  return { summary: { word: { turns: turns && { ...turns, seq: seq ?? turns.seq } } }, replacedLives };
};

const changeOf = (kept: KeptReport, since: number): FleetChange => {
  const { host, revision, receivedAtMs, heardMs, run, seq, tag, summary } = kept;
  const heard: HeardHost = { host, revision, receivedAtMs, heardMs, run, seq };
  return kept.reportRevision > since
    ? { ...heard, kind: 'report', tag, summary }
    : { ...heard, kind: 'heartbeat' };
};

export const createHeardFleet = ({ life, startMs, loaded, hasTurns }: FleetStart): HeardFleet => {
  const hosts = new Map<string, KeptReport>();
  /** Revisions at which hosts were removed. */
  const removed = new Map<string, number>();
  /** Every change in order. Only the last mention of a host counts. */
  let mentions: { readonly revision: number; readonly host: string }[] = [];
  const heard = { revision: 0, heardMs: 0, atMs: startMs };

  const isLast = ({ revision, host }: { readonly revision: number; readonly host: string }): boolean =>
    (hosts.get(host)?.revision ?? removed.get(host)) === revision;
  const mention = (host: string): number => {
    const most = 2 * (hosts.size + removed.size) + LEAST_SURPLUS;
    if (mentions.length > most) mentions = mentions.filter(isLast);
    heard.revision += 1;
    mentions.push({ revision: heard.revision, host });
    return heard.revision;
  };
  const hear = (nowMs: EpochMs): Pick<HeardHost, 'receivedAtMs' | 'heardMs' | 'run'> => {
    heard.heardMs += heardStepMs(heard.atMs, nowMs);
    heard.atMs = nowMs;
    return { receivedAtMs: nowMs, heardMs: heard.heardMs, run: RUN };
  };
  const changeAt = (host: string, revision: number, since: number): FleetChange => {
    const kept = hosts.get(host);
    return kept ? changeOf(kept, since) : { kind: 'removed', host, revision, run: RUN };
  };

  for (const { receivedAtMs, ...report } of loaded) {
    const revision = mention(report.host);
    const before = { receivedAtMs, heardMs: 0, run: BEFORE, replacedLives: [] };
    hosts.set(report.host, { ...report, ...before, seq: seqOf(report), revision, reportRevision: revision });
  }
  const start = {
    life,
    run: RUN,
    runBeganMs: startMs,
    beforeRunMs: newestOf(loaded),
    hasLostReports: hasTurns && loaded.length === 0,
  };
  return {
    size: () => hosts.size,
    bytesOf: (host) => hosts.get(host)?.bytes,
    has: (host) => hosts.has(host),
    isOutdated: ({ host, summary }) => {
      const before = hosts.get(host);
      return before !== undefined && isOutdated(wordNow(before), summary.word.turns);
    },
    take: (report, nowMs) => {
      const { host, summary } = report;
      const before = hosts.get(host);
      const revision = mention(host);
      removed.delete(host);
      hosts.set(host, {
        ...report,
        ...hear(nowMs),
        seq: seqOf(report),
        revision,
        reportRevision: revision,
        replacedLives: replacedBy(before, summary.word.turns),
      });
    },
    beat: ({ host, tag, seq }, nowMs) => {
      const before = hosts.get(host);
      if (before?.tag !== tag) return 'unknown';
      if (isOutdatedBeat(before.seq, seq)) return 'taken';
      hosts.set(host, { ...before, ...hear(nowMs), seq: seq ?? before.seq, revision: mention(host) });
      return 'taken';
    },
    remove: (host, nowMs) => {
      if (!hosts.delete(host)) return false;
      removed.set(host, mention(host));
      heard.atMs = nowMs;
      return true;
    },
    changes: (since) => {
      const isWhole = since?.life !== life;
      const after = isWhole ? 0 : since.revision;
      const changes: FleetChange[] = [];
      for (let at = mentions.length - 1; at >= 0; at -= 1) {
        const mentioned = mentions[at];
        if (mentioned === undefined || mentioned.revision <= after) break;
        if (isLast(mentioned)) changes.push(changeAt(mentioned.host, mentioned.revision, after));
      }
      return { hearing: { ...start, ...heard }, isWhole, changes: changes.toReversed() };
    },
  };
};
