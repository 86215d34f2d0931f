import type { EpochMs } from '../../core/time.ts';

/** Translates times of the database into times of this hub. */
export interface StoreClock {
  readonly now: () => EpochMs;
  /** Takes a time that the database has given to a question of `sentAtMs`, which was just answered. */
  readonly observe: (databaseMs: EpochMs, sentAtMs: EpochMs) => void;
  /** 0 stays 0: it stands for never. */
  readonly toHub: (databaseMs: EpochMs) => EpochMs;
}

/** Synchronised clocks differ by less; then all hubs give the same times. */
const SAME_MS = 5000;

export const createStoreClock = (now: () => EpochMs): StoreClock => {
  const state = { offsetMs: 0 };
  return {
    now,
    observe: (databaseMs, sentAtMs) => {
      const offsetMs = Math.round((sentAtMs + now()) / 2 - databaseMs);
      state.offsetMs = Math.abs(offsetMs) < SAME_MS ? 0 : offsetMs;
    },
    toHub: (databaseMs) => (databaseMs === 0 ? 0 : databaseMs + state.offsetMs),
  };
};
