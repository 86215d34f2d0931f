import { mostParallel, type Pace } from '../manifest/pace.ts';
import type { ReportedChange } from './read-rollout.ts';

/** How long a change may take if nothing halts it, and of what that is the sum. */
export interface RolloutTime {
  readonly totalMs: number;
  /** Waves that soak, and the soak of each. */
  readonly soaks: number;
  readonly soakMs: number;
  /** In one round as many hosts switch as the pace allows at the same time. */
  readonly rounds: number;
  readonly roundMs: number;
  /** For hosts that prepare. */
  readonly spareMs: number;
}

const SPARE_MS = 600_000;

/**
 * A host whose turn takes longer than `turnSeconds` without a report is lost, which halts the change; so a
 * round takes no longer, unless hosts that go on reporting switch very slowly.
 */
export const longestTime = (change: ReportedChange, pace: Pace): RolloutTime => {
  const all = Math.max(0, ...change.waves.map(({ hosts }) => hosts));
  const parallel = mostParallel(pace, all);
  const soakMs = change.urgent === null ? pace.soakSeconds * 1000 : 0;
  const soaks = soakMs === 0 ? 0 : change.waves.length;
  const rounds = change.waves.reduce((sum, { hosts }) => sum + Math.ceil(hosts / parallel), 0);
  const roundMs = pace.turnSeconds * 1000;
  return {
    totalMs: soaks * soakMs + rounds * roundMs + SPARE_MS,
    soaks,
    soakMs,
    rounds,
    roundMs,
    spareMs: SPARE_MS,
  };
};
