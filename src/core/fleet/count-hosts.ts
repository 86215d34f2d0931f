import { highestNext } from '../manifest/serial.ts';
import { compareNaturally } from '../natural-order.ts';
import { isVerdictWord, type VerdictKind } from '../vocabulary/outcomes.ts';
import type { AgentFacts } from './agent-facts.ts';
import {
  kindCounts,
  MOST_FIRST,
  wordsInOrder,
  type FleetTotals,
  type SerialCount,
  type SomeHosts,
} from './fleet-totals.ts';
import { validLabels, type HostLabels } from './host-labels.ts';

export interface PlacedHost {
  readonly host: string;
  /** Its place in natural order. */
  readonly at: number;
}

/** Hosts that say the same. Most hosts of a large fleet do. */
export interface EqualHosts {
  readonly hosts: number;
  /** In natural order, `MOST_FIRST` at most. */
  readonly first: readonly PlacedHost[];
  readonly verdict: { readonly kind: VerdictKind; readonly word: string };
  readonly isSilent: boolean;
  /** Undefined if they never reported. */
  readonly facts:
    | {
        readonly serial: number | null;
        readonly labels: HostLabels | undefined;
        readonly judged: { readonly agent: { readonly running: boolean } };
        readonly agent: AgentFacts;
      }
    | undefined;
}

export interface CountOptions {
  /** The highest serial in the store: a publish cannot have reached much more. 0 if it is unknown. */
  readonly highestPublished: number;
  /** False for a reader that has all hosts anyway. */
  readonly isBounded: boolean;
}

/** The longest lists: what many hosts report must not make the answer long. */
const MOST = { words: 50, serials: 50, labels: 50, runs: 200 } as const;
const ALL: Readonly<Record<keyof typeof MOST, number>> = {
  words: Infinity,
  serials: Infinity,
  labels: Infinity,
  runs: Infinity,
};
/** A word of a newer agent has any length. */
const MOST_WORD = 64;

const sumBy = <T, K>(
  items: readonly T[],
  hostsOf: (item: T) => number,
  keysOf: (item: T) => readonly K[],
): ReadonlyMap<K, number> => {
  const sums = new Map<K, number>();
  for (const item of items)
    for (const key of keysOf(item)) sums.set(key, (sums.get(key) ?? 0) + hostsOf(item));
  return sums;
};

const hostsIn = ({ hosts }: { readonly hosts: number }): number => hosts;

/** The largest numbers. */
const mostFrequent = <K>(counts: ReadonlyMap<K, number>, most: number): readonly (readonly [K, number])[] =>
  counts.size <= most ? [...counts] : [...counts].toSorted(([, a], [, b]) => b - a).slice(0, most);

const wordsOf = (groups: readonly EqualHosts[], most: number): FleetTotals['words'] => {
  const counts = sumBy(groups, hostsIn, ({ verdict }) => [verdict.word.slice(0, MOST_WORD)]);
  const unknown = new Map([...counts].filter(([word]) => !isVerdictWord(word)));
  const known = [...counts].filter(([word]) => isVerdictWord(word));
  return wordsInOrder(new Map([...known, ...mostFrequent(unknown, most)]));
};

const labelsOf = (
  groups: readonly EqualHosts[],
  most: number,
): Pick<FleetTotals, 'labels' | 'moreLabels'> => {
  const counts = sumBy(groups, hostsIn, ({ facts }) =>
    Object.entries(validLabels(facts?.labels ?? {})).map(([name, value]) => `${name}=${value}`),
  );
  const shown = mostFrequent(counts, most)
    .map(([label, hosts]) => ({ label, hosts }))
    .toSorted((a, b) => compareNaturally(a.label, b.label));
  return { labels: shown, moreLabels: counts.size - shown.length };
};

const runsOf = (groups: readonly EqualHosts[], most: number): FleetTotals['runs'] => {
  const heard = groups.filter(({ isSilent }) => !isSilent);
  const byName = new Map<string, FleetTotals['runs'][number]>();
  // Hosts that differ in labels alone share the list.
  const shared = sumBy(heard, hostsIn, ({ facts }) => (facts === undefined ? [] : [facts.agent.runs]));
  for (const [runs, hosts] of shared)
    for (const { entry, version } of runs) {
      const key = `${entry} ${version}`;
      byName.set(key, { entry, version, hosts: (byName.get(key)?.hosts ?? 0) + hosts });
    }
  return [...byName.values()].toSorted((a, b) => b.hosts - a.hosts).slice(0, most);
};

const serialsOf = (
  groups: readonly EqualHosts[],
  believable: number,
  most: number,
): readonly SerialCount[] => {
  const bySerial = new Map<number, { hosts: number; first: PlacedHost }>();
  for (const { hosts, first: placed, facts } of groups) {
    const [serial, [first]] = [facts?.serial ?? null, placed];
    if (serial === null || serial >= believable || first === undefined) continue;
    const known = bySerial.get(serial);
    const earlier = known !== undefined && known.first.at < first.at ? known.first : first;
    bySerial.set(serial, { hosts: (known?.hosts ?? 0) + hosts, first: earlier });
  }
  return [...bySerial]
    .toSorted(([a], [b]) => b - a)
    .slice(0, most)
    .map(([serial, { hosts, first }]) => ({ serial, hosts, first: first.host }));
};

const someOf = (groups: readonly EqualHosts[]): SomeHosts => ({
  hosts: groups.reduce((sum, { hosts }) => sum + hosts, 0),
  first: groups
    .flatMap(({ first, facts }) =>
      first.map(({ host, at }) => ({ host, at, agent: facts?.agent.version ?? '' })),
    )
    .toSorted((a, b) => a.at - b.at)
    .slice(0, MOST_FIRST)
    .map(({ host, agent }) => ({ host, agent })),
});

export const countHosts = (
  groups: readonly EqualHosts[],
  { highestPublished, isBounded }: CountOptions,
): FleetTotals => {
  const most = isBounded ? MOST : ALL;
  const kinds = sumBy(groups, hostsIn, ({ verdict }) => [verdict.kind]);
  const reported = groups.filter(({ facts }) => facts !== undefined);
  const highest = reported.reduce((max, { facts }) => Math.max(max, facts?.serial ?? -1), -1);
  const running = reported.filter(({ isSilent, facts }) => !isSilent && facts?.judged.agent.running === true);
  const withoutTurns = running.filter(({ facts }) => facts?.agent.turns?.hasNone === true);
  return {
    hosts: groups.reduce((sum, { hosts }) => sum + hosts, 0),
    reported: reported.reduce((sum, { hosts }) => sum + hosts, 0),
    kinds: kindCounts((kind) => kinds.get(kind) ?? 0),
    words: wordsOf(groups, most.words),
    highestSerial: highest < 0 ? null : highest,
    serials: serialsOf(reported, highestNext(highestPublished), most.serials),
    ...labelsOf(reported, most.labels),
    tooOld: someOf(running.filter(({ facts }) => facts?.agent.turns === null)),
    withoutTurns: someOf(withoutTurns),
    alwaysWithoutTurns: someOf(withoutTurns.filter(({ facts }) => facts?.agent.turns?.isAlways === true)),
    runs: runsOf(reported, most.runs),
  };
};
