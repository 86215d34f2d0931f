import { highestNext } from '../manifest/serial.ts';
import { compareNaturally } from '../natural-order.ts';
import { isVerdictWord, type VerdictKind } from '../vocabulary/outcomes.ts';
import type { AgentFacts } from './agent-facts.ts';
import { kindCounts, MOST_FIRST, wordsInOrder, type FleetTotals, type SerialCount } from './fleet-totals.ts';
import { validLabels, type HostLabels } from './host-labels.ts';

/** What counts of a report. Hosts may share the objects in it, which are then counted at once. */
export interface CountedFacts {
  readonly serial: number | null;
  readonly labels: HostLabels | undefined;
  readonly isRunning: boolean;
  readonly agent: AgentFacts;
}

export interface CountedHost {
  readonly host: string;
  readonly verdict: { readonly kind: VerdictKind; readonly word: string };
  readonly isSilent: boolean;
  /** Undefined if the host never reported. */
  readonly facts: CountedFacts | undefined;
}

export interface CountOptions {
  /** The highest serial in the store: a publish cannot have reached much more. 0 if it is unknown. */
  readonly highestPublished: number;
  /** False for a reader that has all hosts anyway. */
  readonly isBounded: boolean;
}

/** The longest lists. A hub that many hosts of one token report to must not send more. */
const MOST = { words: 50, serials: 50, labels: 50, runs: 200 } as const;
const ALL: Readonly<Record<keyof typeof MOST, number>> = {
  words: Infinity,
  serials: Infinity,
  labels: Infinity,
  runs: Infinity,
};
/** A word of a newer agent has any length. */
const MOST_WORD = 64;

const add = <K>(counts: Map<K, number>, key: K, hosts = 1): void => {
  counts.set(key, (counts.get(key) ?? 0) + hosts);
};

/** The largest numbers. */
const mostFrequent = <K>(counts: ReadonlyMap<K, number>, most: number): readonly (readonly [K, number])[] =>
  counts.size <= most ? [...counts] : [...counts].toSorted(([, a], [, b]) => b - a).slice(0, most);

const wordsOf = (counts: ReadonlyMap<string, number>, most: number): FleetTotals['words'] => {
  const unknown = new Map([...counts].filter(([word]) => !isVerdictWord(word)));
  const known = [...counts].filter(([word]) => isVerdictWord(word));
  return wordsInOrder(new Map([...known, ...mostFrequent(unknown, most)]));
};

const labelsOf = (
  counts: ReadonlyMap<HostLabels, number>,
  most: number,
): Pick<FleetTotals, 'labels' | 'moreLabels'> => {
  const hosts = new Map<string, number>();
  for (const [labels, count] of counts)
    for (const [name, value] of Object.entries(validLabels(labels))) add(hosts, `${name}=${value}`, count);
  const shown = mostFrequent(hosts, most)
    .map(([label, count]) => ({ label, hosts: count }))
    .toSorted((a, b) => compareNaturally(a.label, b.label));
  return { labels: shown, moreLabels: hosts.size - shown.length };
};

const runsOf = (counts: ReadonlyMap<AgentFacts, number>, most: number): FleetTotals['runs'] => {
  const runs = new Map<string, FleetTotals['runs'][number]>();
  for (const [{ runs: of }, hosts] of counts)
    for (const { entry, version } of of) {
      const key = `${entry} ${version}`;
      runs.set(key, { entry, version, hosts: (runs.get(key)?.hosts ?? 0) + hosts });
    }
  return [...runs.values()].toSorted((a, b) => b.hosts - a.hosts).slice(0, most);
};

const createGroup = () => {
  const group: { hosts: number; first: { host: string; agent: string }[] } = { hosts: 0, first: [] };
  return {
    note: (host: string, { version }: AgentFacts): void => {
      group.hosts += 1;
      if (group.first.length < MOST_FIRST) group.first.push({ host, agent: version });
    },
    found: group,
  };
};

/** Counts hosts that come in natural order. */
export const countHosts = (
  hosts: Iterable<CountedHost>,
  { highestPublished, isBounded }: CountOptions,
): FleetTotals => {
  const most = isBounded ? MOST : ALL;
  const believable = highestNext(highestPublished);
  const [kinds, words, labels, runs] = [
    new Map<VerdictKind, number>(),
    new Map<string, number>(),
    new Map<HostLabels, number>(),
    new Map<AgentFacts, number>(),
  ];
  const serials = new Map<number, SerialCount>();
  const [tooOld, withoutTurns, always] = [createGroup(), createGroup(), createGroup()];
  let [count, reported, highest] = [0, 0, -1];
  for (const { host, verdict, isSilent, facts } of hosts) {
    count += 1;
    add(kinds, verdict.kind);
    add(words, verdict.word.slice(0, MOST_WORD));
    if (facts === undefined) continue;
    reported += 1;
    const { serial, agent } = facts;
    if (serial !== null) {
      highest = Math.max(highest, serial);
      const known = serials.get(serial);
      if (known || serial < believable)
        serials.set(serial, { serial, hosts: (known?.hosts ?? 0) + 1, first: known?.first ?? host });
    }
    if (facts.labels) add(labels, facts.labels);
    if (isSilent) continue;
    add(runs, agent);
    if (!facts.isRunning) continue;
    if (agent.turns === null) tooOld.note(host, agent);
    else if (agent.turns.hasNone) {
      withoutTurns.note(host, agent);
      if (agent.turns.isAlways) always.note(host, agent);
    }
  }
  return {
    hosts: count,
    reported,
    kinds: kindCounts((kind) => kinds.get(kind) ?? 0),
    words: wordsOf(words, most.words),
    highestSerial: highest < 0 ? null : highest,
    serials: [...serials.values()].toSorted((a, b) => b.serial - a.serial).slice(0, most.serials),
    ...labelsOf(labels, most.labels),
    tooOld: tooOld.found,
    withoutTurns: withoutTurns.found,
    alwaysWithoutTurns: always.found,
    runs: runsOf(runs, most.runs),
  };
};
