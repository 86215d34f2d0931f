import { compareNaturally } from '../natural-order.ts';
import { isVerdictWord, VERDICT_KINDS, VERDICT_WORDS, type VerdictKind } from '../vocabulary/outcomes.ts';
import type { LabelCount } from './host-labels.ts';

/** Hosts of which the first ones are named. */
export interface SomeHosts {
  readonly hosts: number;
  /** In natural order, with the versions of their agents. */
  readonly first: readonly { readonly host: string; readonly agent: string }[];
}

export interface SerialCount {
  readonly serial: number;
  readonly hosts: number;
  /** The first host in natural order. */
  readonly first: string;
}

export interface WordCount {
  readonly word: string;
  readonly hosts: number;
}

export interface RunningVersion {
  readonly entry: string;
  readonly version: string;
  readonly hosts: number;
}

/** Numbers of the selected hosts. Their size does not grow with the fleet. */
export interface FleetTotals {
  readonly hosts: number;
  /** The others were named and never reported. */
  readonly reported: number;
  readonly kinds: Readonly<Record<VerdictKind, number>>;
  /** The worst first, unknown words after `progressing`. */
  readonly words: readonly WordCount[];
  /** That any host reports, however high; null if none does. */
  readonly highestSerial: number | null;
  /** The highest ones that a publish could have reached, in descending order. */
  readonly serials: readonly SerialCount[];
  /** The most frequent ones in natural order. */
  readonly labels: readonly LabelCount[];
  readonly moreLabels: number;
  /** Running agents that are not silent and too old for turns. */
  readonly tooOld: SomeHosts;
  /** Running agents that are not silent and reach no hub that hands out turns. */
  readonly withoutTurns: SomeHosts;
  /** Those of `withoutTurns` with SUPERCARGO_TURNS=always. */
  readonly alwaysWithoutTurns: SomeHosts;
  /** Versions on hosts that are not silent, the most frequent ones first. */
  readonly runs: readonly RunningVersion[];
}

/** The most hosts that `SomeHosts` names. */
export const MOST_FIRST = 5;

const NO_HOSTS: SomeHosts = { hosts: 0, first: [] };

export const kindCounts = (countOf: (kind: VerdictKind) => number): FleetTotals['kinds'] => ({
  converged: countOf('converged'),
  pending: countOf('pending'),
  failed: countOf('failed'),
  superseded: countOf('superseded'),
  stopped: countOf('stopped'),
  silent: countOf('silent'),
});

export const NO_TOTALS: FleetTotals = {
  hosts: 0,
  reported: 0,
  kinds: kindCounts(() => 0),
  words: [],
  highestSerial: null,
  serials: [],
  labels: [],
  moreLabels: 0,
  tooOld: NO_HOSTS,
  withoutTurns: NO_HOSTS,
  alwaysWithoutTurns: NO_HOSTS,
  runs: [],
};

/** `hosts` by word in the order of totals. */
export const wordsInOrder = (counts: ReadonlyMap<string, number>): readonly WordCount[] => {
  const unknown = [...counts.keys()].filter((word) => !isVerdictWord(word)).toSorted();
  const order: readonly string[] = [...VERDICT_WORDS.slice(0, -1), ...unknown, 'converged'];
  return order.flatMap((word) => {
    const hosts = counts.get(word);
    return hosts === undefined ? [] : [{ word, hosts }];
  });
};

/** Adds up what lists have for equal keys. */
const sumBy = <T extends { readonly hosts: number }>(
  lists: readonly (readonly T[])[],
  keyOf: (item: T) => string,
): readonly T[] => {
  const sums = new Map<string, T>();
  for (const item of lists.flat()) {
    const known = sums.get(keyOf(item));
    sums.set(keyOf(item), known ? { ...known, hosts: known.hosts + item.hosts } : item);
  }
  return [...sums.values()];
};

const addSome = (a: SomeHosts, b: SomeHosts): SomeHosts => ({
  hosts: a.hosts + b.hosts,
  first: [...a.first, ...b.first].slice(0, MOST_FIRST),
});

const highestOfBoth = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

/** Of hosts that were asked for in parts; the hosts of `a` come first. */
export const addTotals = (a: FleetTotals, b: FleetTotals): FleetTotals => ({
  hosts: a.hosts + b.hosts,
  reported: a.reported + b.reported,
  kinds: kindCounts((kind) => a.kinds[kind] + b.kinds[kind]),
  words: wordsInOrder(
    new Map(sumBy([a.words, b.words], ({ word }) => word).map(({ word, hosts }) => [word, hosts])),
  ),
  highestSerial: highestOfBoth(a.highestSerial, b.highestSerial),
  serials: sumBy([a.serials, b.serials], ({ serial }) => String(serial)).toSorted(
    (x, y) => y.serial - x.serial,
  ),
  labels: sumBy([a.labels, b.labels], ({ label }) => label).toSorted((x, y) =>
    compareNaturally(x.label, y.label),
  ),
  moreLabels: a.moreLabels + b.moreLabels,
  tooOld: addSome(a.tooOld, b.tooOld),
  withoutTurns: addSome(a.withoutTurns, b.withoutTurns),
  alwaysWithoutTurns: addSome(a.alwaysWithoutTurns, b.alwaysWithoutTurns),
  runs: sumBy([a.runs, b.runs], ({ entry, version }) => `${entry} ${version}`).toSorted(
    (x, y) => y.hosts - x.hosts,
  ),
});

/** `1 converged, 2 pending`; empty without hosts. */
export const kindsText = ({ kinds }: Pick<FleetTotals, 'kinds'>): string =>
  VERDICT_KINDS.flatMap((kind) => (kinds[kind] === 0 ? [] : [`${String(kinds[kind])} ${kind}`])).join(', ');
