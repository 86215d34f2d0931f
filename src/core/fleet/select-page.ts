import { naturalKey } from '../natural-order.ts';
import type { EpochMs } from '../time.ts';
import { isVerdictWord, VERDICT_WORDS, type VerdictKind } from '../vocabulary/outcomes.ts';
import type { AgentFacts } from './agent-facts.ts';
import { countHosts, type CountOptions, type PlacedHost } from './count-hosts.ts';
import { readCursor, readRevision, type Cursor, type FleetQuery } from './fleet-query.ts';
import { MOST_FIRST, type FleetTotals } from './fleet-totals.ts';
import {
  isSilent,
  SILENT_MS,
  type DesiredManifest,
  type JudgedReport,
  type JudgedStatus,
} from './host-findings.ts';
import { hasLabels, type HostLabels } from './host-labels.ts';
import { judgeHost } from './host-verdict.ts';

/** What is known of a host without its report. */
export interface IndexedHost {
  readonly host: string;
  readonly receivedAtMs: EpochMs;
  /** Revision of the fleet when it last said something new, or was heard after a silence, or a later one. */
  readonly newsRevision: number;
  /** Hosts that say the same may share it: it is judged once for all of them. */
  readonly summary: {
    readonly serial: number | null;
    readonly labels: HostLabels | undefined;
    readonly judged: JudgedStatus;
    readonly agent: AgentFacts;
  };
}

/** A fleet at one moment. */
export interface IndexedFleet {
  readonly life: string;
  readonly revision: number;
  /** In natural order. */
  readonly hosts: readonly IndexedHost[];
  readonly find: (host: string) => IndexedHost | undefined;
}

export interface PickedHost {
  readonly host: string;
  /** Undefined if the host was named and never reported. */
  readonly indexed: IndexedHost | undefined;
  /** With the name, its place: the cursor of the hosts that follow. */
  readonly rank: number;
}

export interface SelectedPage {
  readonly totals: FleetTotals;
  /** Whether it has the selected hosts, and not only those that changed after `since`. */
  readonly isWhole: boolean;
  readonly hosts: readonly PickedHost[];
  readonly hasMore: boolean;
}

export interface PageOptions extends CountOptions {
  readonly desired: DesiredManifest | undefined;
  readonly nowMs: EpochMs;
}

interface Verdict {
  readonly kind: VerdictKind;
  readonly word: string;
}

/** Hosts that share a summary, and are all silent or all heard. */
interface Group {
  readonly verdict: Verdict;
  readonly rank: number;
  readonly isSilent: boolean;
  readonly facts: IndexedHost['summary'] | undefined;
  hosts: number;
  readonly first: PlacedHost[];
}

const UNKNOWN_RANK = VERDICT_WORDS.length - 1;
const RANKS = VERDICT_WORDS.length + 1;

/** The place of a word in the order of severity: unknown words come before `converged`. */
export const rankOf = (word: string): number => {
  if (!isVerdictWord(word)) return UNKNOWN_RANK;
  return word === 'converged' ? UNKNOWN_RANK + 1 : VERDICT_WORDS.indexOf(word);
};

/** Judges hosts that share a summary once: kind and word depend on no text, and on no time but silence. */
const createGroups = ({ desired, nowMs }: PageOptions, where: HostLabels | undefined) => {
  type Summary = IndexedHost['summary'];
  const known = { heard: new Map<Summary, Group | null>(), silent: new Map<Summary, Group | null>() };
  // Hosts that differ in labels alone share this part.
  const verdicts = { heard: new Map<JudgedStatus, Verdict>(), silent: new Map<JudgedStatus, Verdict>() };
  const judge = (report: JudgedReport | undefined, silent: boolean): Verdict => {
    const judged = silent ? verdicts.silent : verdicts.heard;
    const found = report && judged.get(report.status);
    if (found !== undefined) return found;
    const { kind, word } = judgeHost(report, desired, nowMs);
    if (report !== undefined) judged.set(report.status, { kind, word });
    return { kind, word };
  };
  const make = (report: JudgedReport | undefined, facts: Group['facts']): Group => {
    const silent = report === undefined || isSilent(report, nowMs);
    const verdict = judge(report, silent);
    return { verdict, rank: rankOf(verdict.word), isSilent: silent, facts, hosts: 0, first: [] };
  };
  const never = make(undefined, undefined);
  const isSelected = ({ labels = {} }: Summary): boolean => where === undefined || hasLabels(labels, where);
  return {
    /** Null if the host has not the labels. */
    of: (indexed: IndexedHost | undefined): Group | null => {
      if (indexed === undefined) return never;
      const { host, receivedAtMs: seenAtMs, summary } = indexed;
      const groups = nowMs - seenAtMs > SILENT_MS ? known.silent : known.heard;
      let group = groups.get(summary);
      if (group === undefined) {
        group = isSelected(summary) ? make({ host, seenAtMs, status: summary.judged }, summary) : null;
        groups.set(summary, group);
      }
      return group;
    },
    all: (): readonly Group[] =>
      [never, ...known.heard.values(), ...known.silent.values()].filter(
        (group) => group !== null && group.hosts > 0,
      ) as readonly Group[],
  };
};

const count = (group: Group, host: string, at: number): void => {
  group.hosts += 1;
  if (group.first.length < MOST_FIRST) group.first.push({ host, at });
};

type Candidate = IndexedHost | { readonly host: string; readonly summary?: undefined };

/** Undefined for a named host that never reported. */
const indexedOf = (candidate: Candidate): IndexedHost | undefined =>
  candidate.summary === undefined ? undefined : candidate;

/** In natural order, each host once. */
const candidatesOf = (fleet: IndexedFleet, named: readonly string[] | undefined): readonly Candidate[] =>
  named === undefined
    ? fleet.hosts
    : [...new Set(named)]
        .map((host) => [naturalKey(host), host] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, host]) => fleet.find(host) ?? { host });

/** The clocks of several hubs on one store differ by less. */
const CLOCKS_MS = 10_000;

/** Undefined if each host may have changed, because nothing is known of that revision. */
const changedSince = (
  fleet: IndexedFleet,
  since: string | undefined,
  desired: DesiredManifest | undefined,
): ((indexed: IndexedHost | undefined, isSilentNow: boolean) => boolean) | undefined => {
  const revision = since === undefined ? undefined : readRevision(since);
  if (
    revision === undefined ||
    revision.life !== fleet.life ||
    revision.number > fleet.revision ||
    revision.serial !== (desired?.serial ?? 0)
  )
    return undefined;
  return (indexed, isSilentNow) =>
    indexed === undefined ||
    indexed.newsRevision > revision.number ||
    // It fell silent afterwards.
    (isSilentNow && indexed.receivedAtMs + SILENT_MS > revision.atMs - CLOCKS_MS);
};

/** The first place after the host. */
const placeAfter = (sorted: readonly Candidate[], host: string): number => {
  const key = naturalKey(host);
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const at = sorted[middle];
    if (at !== undefined && naturalKey(at.host) > key) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** The next `most` hosts after the cursor. */
const takeAfter = (
  ranked: readonly (readonly Candidate[])[],
  cursor: Cursor | undefined,
  most: number,
): readonly PickedHost[] => {
  const taken: PickedHost[] = [];
  for (let rank = cursor?.rank ?? 0; rank < ranked.length && taken.length < most; rank += 1) {
    const listed = ranked[rank] ?? [];
    const from = rank === cursor?.rank ? placeAfter(listed, cursor.host) : 0;
    for (const candidate of listed.slice(from, from + most - taken.length))
      taken.push({ host: candidate.host, indexed: indexedOf(candidate), rank });
  }
  return taken;
};

/**
 * The totals of a selection and one page of its hosts. A hub and a reader of the whole list get the same from
 * it.
 */
export const selectPage = (fleet: IndexedFleet, query: FleetQuery, options: PageOptions): SelectedPage => {
  const { order, limit, kinds, after } = query;
  const groups = createGroups(options, query.where);
  const isChanged = changedSince(fleet, query.since, options.desired);
  const ranked: Candidate[][] = Array.from({ length: order === 'name' ? 1 : RANKS }, () => []);
  let at = 0;
  for (const candidate of candidatesOf(fleet, query.hosts)) {
    const indexed = indexedOf(candidate);
    const group = groups.of(indexed);
    at += 1;
    if (group === null) continue;
    count(group, candidate.host, at);
    const isListed =
      limit > 0 &&
      (kinds === undefined || kinds.includes(group.verdict.kind)) &&
      (isChanged === undefined || isChanged(indexed, group.isSilent));
    if (isListed) ranked[order === 'name' ? 0 : group.rank]?.push(candidate);
  }
  const cursor = after === undefined ? undefined : readCursor(after, order);
  const taken = limit === 0 ? [] : takeAfter(ranked, cursor, limit + 1);
  return {
    totals: countHosts(groups.all(), options),
    isWhole: isChanged === undefined,
    hosts: taken.slice(0, limit),
    hasMore: taken.length > limit,
  };
};
