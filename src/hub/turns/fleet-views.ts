import { heardAnewUntil } from '../../core/hub/hearing.ts';
import type { EpochMs } from '../../core/time.ts';
import { seenBeyond } from '../../core/turns/revisions.ts';
import type { FleetView, TurnState } from '../../core/turns/rules.ts';
import { GRANT_MS } from '../../core/turns/timeouts.ts';
import { hostWords } from './host-words.ts';
import type { Reports } from '../fleet/reports.ts';

type Heard = Pick<Reports, 'all' | 'hearing' | 'awaited' | 'removed'>;

interface Seen {
  readonly life: string;
  readonly heard: number;
  readonly second: number;
  readonly madeAtMs: EpochMs;
  /** Whether the state was a restored one. */
  readonly key: string;
  readonly view: FleetView;
}

/** In a large fleet a view, which costs as much as all its hosts, is taken for current a little longer. */
const HOSTS_PER_MS = 10;

/**
 * What the rules know of a fleet. A hub cannot tell a start of its store from a restored backup, so in each
 * run of reports it first hears every host that was not silent, and every host with a turn: three report
 * intervals at most. It waits for all three if it knows no host, and for the longest grant if a host has seen
 * a later state.
 */
export const createFleetViews = (reports: Heard) => {
  /** Runs in which a restored state was found. */
  const restored = new Map<string, string>();
  /**
   * A host has seen a later state than the one in hand: a backup, or one that another hub has just overtaken.
   */
  const suspected = new Set<string>();
  const known = new Map<string, Seen>();

  const runOf = (environment: string): string => {
    const { life, run } = reports.hearing(environment);
    return `${life} ${String(run)}`;
  };
  const isRestored = (environment: string, state: TurnState, words: FleetView['words']): boolean => {
    if (seenBeyond(state, words) > 0) suspected.add(environment);
    else suspected.delete(environment);
    return suspected.has(environment) || restored.get(environment) === runOf(environment);
  };
  const startingOf = (
    environment: string,
    state: TurnState,
    { nowMs, words }: Pick<FleetView, 'nowMs' | 'words'>,
  ): FleetView['starting'] => {
    const hearing = reports.hearing(environment);
    const [awaited, removed] = [reports.awaited(environment), reports.removed(environment)];
    const hosts = new Set(words.map(({ host }) => host));
    const unheard = Object.keys(state.turns).filter((host) => !hosts.has(host) && !removed.has(host));
    const all = [...awaited, ...unheard].toSorted();
    if (all.length > 0 || hearing.hasLostReports) return { hosts: all, untilMs: heardAnewUntil(hearing) };
    const grantedUntilMs = hearing.runBeganMs + GRANT_MS;
    return isRestored(environment, state, words) && nowMs < grantedUntilMs
      ? { hosts: [], untilMs: grantedUntilMs }
      : null;
  };
  return {
    /** Another hub has decided by what it had heard, which this view may lack. */
    renew: (environment: string): void => void known.delete(environment),
    /** Many requests of one moment share a view, and so the review of it. */
    of: (environment: string, state: TurnState, nowMs: EpochMs): FleetView => {
      const hearing = reports.hearing(environment);
      const { life, revision: heard } = hearing;
      const second = Math.floor(nowMs / 1000);
      const isStarting = nowMs < heardAnewUntil(hearing);
      const key = isStarting ? String(state.revision) : '';
      const before = known.get(environment);
      const isFresh =
        before?.key === key &&
        before.life === life &&
        ((before.heard === heard && before.second === second) ||
          Math.abs(nowMs - before.madeAtMs) < Math.floor(before.view.words.length / HOSTS_PER_MS));
      if (before && isFresh) return before.view;
      const words = hostWords(reports, environment, nowMs);
      const starting = isStarting ? startingOf(environment, state, { nowMs, words }) : null;
      const view = { nowMs, words, starting };
      known.set(environment, { life, heard, second, madeAtMs: nowMs, key, view });
      return view;
    },
    /** The state of the last view was the stored one: no other hub was faster. */
    noteWritten: (environment: string): void => {
      if (suspected.delete(environment)) restored.set(environment, runOf(environment));
    },
  };
};
