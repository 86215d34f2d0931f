import { SILENT_MS } from '../core/fleet/host-findings.ts';
import type { EpochMs } from '../core/time.ts';
import type { FleetView, TurnState } from '../core/turns/rules.ts';
import { hostWords } from './host-words.ts';
import type { Reports } from './reports.ts';

type Heard = Pick<Reports, 'all' | 'hearing' | 'version'>;

interface Words {
  readonly heartbeats: number;
  readonly second: number;
  readonly words: FleetView['words'];
}

/**
 * What the rules know of a fleet. A hub cannot tell a start from a restored backup, so it first hears every
 * host that was not silent, and every host with a turn: three report intervals at most.
 */
export const createFleetViews = (reports: Heard, now: () => EpochMs) => {
  const untilMs = now() + SILENT_MS;
  const known = new Map<string, Words>();
  /** Many requests of one moment share the words. */
  const wordsOf = (environment: string, nowMs: EpochMs): FleetView['words'] => {
    const { heartbeats } = reports.version(environment);
    const second = Math.floor(nowMs / 1000);
    const before = known.get(environment);
    if (before?.heartbeats === heartbeats && before.second === second) return before.words;
    const words = hostWords(reports, environment, nowMs);
    known.set(environment, { heartbeats, second, words });
    return words;
  };
  const startingOf = (environment: string, { turns }: TurnState): FleetView['starting'] => {
    const { awaited, removed } = reports.hearing(environment);
    const hosts = new Set(reports.all(environment).map(({ host }) => host));
    const unheard = Object.keys(turns).filter((host) => !hosts.has(host) && !removed.has(host));
    const all = [...awaited, ...unheard].toSorted();
    return all.length > 0 ? { hosts: all, untilMs } : null;
  };
  return {
    of: (environment: string, state: TurnState, nowMs: EpochMs): FleetView => ({
      nowMs,
      words: wordsOf(environment, nowMs),
      starting: nowMs < untilMs ? startingOf(environment, state) : null,
    }),
  };
};
