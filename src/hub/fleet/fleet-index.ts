import { SILENT_MS } from '../../core/fleet/host-findings.ts';
import type { ReportSummary } from '../../core/hub/read-report.ts';
import type { FleetChange, FleetChanges, HeardHost, Hearing } from '../../core/ports/fleet-store.ts';
import type { EpochMs } from '../../core/time.ts';
import type { ReportWord } from '../../core/turns/report-word.ts';

type Turns = NonNullable<ReportWord['turns']>;

/** The part of a word that hosts may share. */
type SharedWord = Omit<ReportWord, 'host' | 'turns'> & {
  readonly turns: Pick<Turns, 'asked' | 'jobs'> | null;
};

/**
 * A summary without what differs between any two hosts. Equal ones, and equal parts of them, are one object.
 */
export type SharedSummary = Omit<ReportSummary, 'word' | 'fingerprint'> & { readonly word: SharedWord };

/** What a hub has in memory of the last report of a host. */
export interface Report {
  readonly host: string;
  /** Strong entity tag of its bytes. */
  readonly tag: string;
  readonly receivedAtMs: EpochMs;
  /** `Hearing.heardMs` when it came. */
  readonly heardMs: number;
  /** `Hearing.run` when it came. */
  readonly run: number;
  /** Revision when the host last said something new, or was heard after a silence, or a later one. */
  readonly newsRevision: number;
  readonly fingerprint: string;
  readonly summary: SharedSummary;
  /** Of `ReportWord.turns`; null if the agent is too old to know turns. */
  readonly life: string | null;
  /** Of the last report or heartbeat. */
  readonly seq: number | null;
  /** Revision of the last answer that the agent got. */
  readonly seen: number | null;
}

/** What a report says to the rules of turns. */
export const wordOf = ({ host, summary, life, seq, seen }: Report): ReportWord => {
  const { turns, ...word } = summary.word;
  const isCounted = turns !== null && life !== null && seq !== null;
  return { ...word, host, turns: isCounted ? { ...turns, life, seq, revision: seen } : null };
};

export type ShareValues = <T extends object>(value: T) => T;

type NewReport = FleetChange & { readonly kind: 'report' };

const reportOf = (share: ShareValues, change: NewReport, before: Report | undefined): Report => {
  const { host, tag, receivedAtMs, heardMs, run, seq, summary } = change;
  const { word, fingerprint, ...others } = summary;
  const { host: _host, turns, ...said } = word;
  const repeats = before?.fingerprint === fingerprint ? before : undefined;
  const wasSilent = before !== undefined && receivedAtMs - before.receivedAtMs > SILENT_MS;
  const shared = (): SharedSummary =>
    share({ ...others, word: { ...said, turns: turns && { asked: turns.asked, jobs: turns.jobs } } });
  return {
    host: before?.host ?? host,
    tag,
    receivedAtMs,
    heardMs,
    run,
    newsRevision: repeats && !wasSilent ? repeats.newsRevision : change.revision,
    fingerprint: repeats?.fingerprint ?? fingerprint,
    // An equal fingerprint means an equal summary.
    summary: repeats?.summary ?? shared(),
    life: before !== undefined && before.life === turns?.life ? before.life : (turns?.life ?? null),
    seq: seq ?? turns?.seq ?? null,
    seen: turns?.revision ?? null,
  };
};

const heardAgain = (before: Report, { revision, receivedAtMs, heardMs, run, seq }: HeardHost): Report => ({
  ...before,
  receivedAtMs,
  heardMs,
  run,
  seq: seq ?? before.seq,
  newsRevision: receivedAtMs - before.receivedAtMs > SILENT_MS ? revision : before.newsRevision,
});

/** One environment of a store as it was at the last read. */
export interface FleetIndex {
  readonly hearing: () => Hearing;
  /** Hosts whose report was removed in this run. */
  readonly removed: ReadonlySet<string>;
  /** Revision of the last change that was no mere heartbeat. */
  readonly newsRevision: () => number;
  readonly count: () => number;
  readonly find: (host: string) => Report | undefined;
  /** Sorted by name. */
  readonly all: () => readonly Report[];
  /** Returns false if nothing has changed but the time of heartbeats. */
  readonly apply: (changes: FleetChanges) => boolean;
}

export const createFleetIndex = (first: FleetChanges, share: ShareValues): FleetIndex => {
  const hosts = new Map<string, Report>();
  const removed = new Set<string>();
  const state: { hearing: Hearing; newsRevision: number; names: readonly string[] | undefined } = {
    hearing: first.hearing,
    newsRevision: first.hearing.revision,
    names: undefined,
  };
  const drop = (host: string, run: number): void => {
    if (hosts.delete(host)) state.names = undefined;
    if (run === state.hearing.run) removed.add(host);
  };
  /** Whether it is news. */
  const applyOne = (change: FleetChange): boolean => {
    const { host } = change;
    const before = hosts.get(host);
    if (change.kind === 'removed') {
      drop(host, change.run);
      return true;
    }
    if (change.kind === 'heartbeat') {
      if (before) hosts.set(host, heardAgain(before, change));
      return false;
    }
    if (before === undefined) state.names = undefined;
    removed.delete(host);
    const report = reportOf(share, change, before);
    hosts.set(report.host, report);
    return report.fingerprint !== before?.fingerprint;
  };
  const apply = ({ hearing, isWhole, changes }: FleetChanges): boolean => {
    if (isWhole) {
      hosts.clear();
      state.names = undefined;
    }
    if (isWhole || hearing.run !== state.hearing.run) removed.clear();
    state.hearing = hearing;
    if (isWhole) state.newsRevision = hearing.revision;
    let isNews = isWhole;
    for (const change of changes)
      if (applyOne(change)) {
        isNews = true;
        state.newsRevision = change.revision;
      }
    return isNews;
  };
  apply(first);
  return {
    hearing: () => state.hearing,
    removed,
    newsRevision: () => state.newsRevision,
    count: () => hosts.size,
    find: (host) => hosts.get(host),
    all: () => {
      state.names ??= [...hosts.keys()].toSorted();
      const all: Report[] = [];
      for (const host of state.names) {
        const report = hosts.get(host);
        if (report) all.push(report);
      }
      return all;
    },
    apply,
  };
};
