import { naturalKey } from '../natural-order.ts';
import type { EpochMs } from '../time.ts';
import { isVerdictWord, VERDICT_WORDS, type VerdictKind } from '../vocabulary/outcomes.ts';
import type { AgentFacts } from './agent-facts.ts';
import { countHosts, type CountOptions } from './count-hosts.ts';
import { readCursor, readRevision, writeCursor, type FleetQuery } from './fleet-query.ts';
import type { FleetTotals } from './fleet-totals.ts';
import { isSilent, SILENT_MS, type DesiredManifest, type JudgedStatus } from './host-findings.ts';
import { hasLabels, type HostLabels } from './host-labels.ts';
import { judgeHost } from './host-verdict.ts';

/** What is known of a host without its report. */
export interface IndexedHost {
  readonly host: string;
  readonly receivedAtMs: EpochMs;
  /** Revision of the fleet when it last said something new, or was heard after a silence, or a later one. */
  readonly newsRevision: number;
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
  /** `after` of the hosts that follow. */
  readonly cursor: string;
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

interface Judged {
  readonly host: string;
  readonly indexed: IndexedHost | undefined;
  readonly isSilent: boolean;
  readonly verdict: Verdict;
}

const UNKNOWN_RANK = VERDICT_WORDS.length - 1;
const RANKS = VERDICT_WORDS.length + 1;

/** The place of a word in the order of severity: unknown words come before `converged`. */
export const rankOf = (word: string): number => {
  if (!isVerdictWord(word)) return UNKNOWN_RANK;
  return word === 'converged' ? UNKNOWN_RANK + 1 : VERDICT_WORDS.indexOf(word);
};

/** Judges hosts that share a summary once. Kind and word depend on no text and no time but silence. */
const createJudge = (desired: DesiredManifest | undefined, nowMs: EpochMs) => {
  const known = { heard: new Map<JudgedStatus, Verdict>(), silent: new Map<JudgedStatus, Verdict>() };
  const { kind, word } = judgeHost(undefined, desired, nowMs);
  const never: Verdict = { kind, word };
  return (host: string, indexed: IndexedHost | undefined): Judged => {
    if (indexed === undefined) return { host, indexed, isSilent: true, verdict: never };
    const { judged } = indexed.summary;
    const report = { host, seenAtMs: indexed.receivedAtMs, status: judged };
    const silent = isSilent(report, nowMs);
    const verdicts = silent ? known.silent : known.heard;
    let verdict = verdicts.get(judged);
    if (verdict === undefined) {
      const made = judgeHost(report, desired, nowMs);
      verdict = { kind: made.kind, word: made.word };
      verdicts.set(judged, verdict);
    }
    return { host, indexed, isSilent: silent, verdict };
  };
};

const selectedIn = (
  fleet: IndexedFleet,
  { hosts, where }: FleetQuery,
): readonly (readonly [string, IndexedHost | undefined])[] => {
  const all =
    hosts === undefined
      ? fleet.hosts.map((indexed) => [indexed.host, indexed] as const)
      : [...new Set(hosts)]
          .map((host) => [naturalKey(host), host] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([, host]) => [host, fleet.find(host)] as const);
  return where === undefined
    ? all
    : all.filter(([, found]) => found === undefined || hasLabels(found.summary.labels ?? {}, where));
};

/** The clocks of several hubs on one store differ by less. */
const CLOCKS_MS = 10_000;

/** Undefined if each host may have changed, because nothing is known of that revision. */
const changedSince = (
  fleet: IndexedFleet,
  since: string | undefined,
  desired: DesiredManifest | undefined,
): ((judged: Judged) => boolean) | undefined => {
  const revision = since === undefined ? undefined : readRevision(since);
  if (
    revision === undefined ||
    revision.life !== fleet.life ||
    revision.number > fleet.revision ||
    revision.serial !== (desired?.serial ?? 0)
  )
    return undefined;
  return ({ indexed, isSilent: silent }) =>
    indexed === undefined ||
    indexed.newsRevision > revision.number ||
    // It fell silent afterwards.
    (silent && indexed.receivedAtMs + SILENT_MS > revision.atMs - CLOCKS_MS);
};

const order = (judged: readonly Judged[], by: FleetQuery['order']): readonly Judged[] => {
  if (by === 'name') return judged;
  const buckets: Judged[][] = Array.from({ length: RANKS }, () => []);
  for (const each of judged) buckets[rankOf(each.verdict.word)]?.push(each);
  return buckets.flat();
};

const afterCursor = (judged: readonly Judged[], { after, order: by }: FleetQuery): readonly Judged[] => {
  const cursor = after === undefined ? undefined : readCursor(after, by);
  if (cursor === undefined) return judged;
  const key = naturalKey(cursor.host);
  const isBehind = ({ host, verdict }: Judged): boolean => {
    const rank = by === 'name' ? 0 : rankOf(verdict.word);
    return rank === cursor.rank ? naturalKey(host) > key : rank > cursor.rank;
  };
  let [low, high] = [0, judged.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const at = judged[middle];
    if (at !== undefined && isBehind(at)) high = middle;
    else low = middle + 1;
  }
  return judged.slice(low);
};

/**
 * The totals of a selection and one page of its hosts. A hub and a reader of the whole list get the same from it.
 */
export const selectPage = (fleet: IndexedFleet, query: FleetQuery, options: PageOptions): SelectedPage => {
  const { desired, nowMs } = options;
  const judge = createJudge(desired, nowMs);
  const all = selectedIn(fleet, query).map(([host, indexed]) => judge(host, indexed));
  const isChanged = changedSince(fleet, query.since, desired);
  const listed = all.filter(
    (judged) => (isChanged?.(judged) ?? true) && (query.kinds?.includes(judged.verdict.kind) ?? true),
  );
  const rest = afterCursor(order(listed, query.order), query);
  return {
    totals: countHosts(
      all.map(({ host, indexed, isSilent: silent, verdict }) => ({
        host,
        verdict,
        isSilent: silent,
        facts: indexed && { ...indexed.summary, isRunning: indexed.summary.judged.agent.running },
      })),
      options,
    ),
    isWhole: isChanged === undefined,
    hosts: rest.slice(0, query.limit).map(({ host, indexed, verdict }) => ({
      host,
      indexed,
      cursor: writeCursor({ rank: query.order === 'name' ? 0 : rankOf(verdict.word), host }, query.order),
    })),
    hasMore: rest.length > query.limit,
  };
};
