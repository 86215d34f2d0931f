import { SILENT_MS } from '../fleet/host-findings.ts';
import type { Hearing } from '../ports/fleet-store.ts';
import type { EpochMs } from '../time.ts';
import { START_WAIT_MS } from '../turns/timeouts.ts';

/** A longer time between two reports means that the store was away, or that no host reached it. */
const LONGEST_STEP_MS = 90_000;

/** By how much `Hearing.heardMs` grows with a report, after the one that came at `beforeMs`. */
export const heardStepMs = (beforeMs: EpochMs, atMs: EpochMs): number =>
  Math.min(Math.max(atMs - beforeMs, 0), LONGEST_STEP_MS);

/** Whether no report came for so long that hosts are heard anew: `Hearing.run` grows. */
export const startsNewRun = (beforeMs: EpochMs, atMs: EpochMs): boolean => atMs - beforeMs > SILENT_MS;

/** Until when a store that hears hosts anew waits for all of them. */
export const heardAnewUntil = ({ runBeganMs }: Pick<Hearing, 'runBeganMs'>): EpochMs =>
  runBeganMs + START_WAIT_MS;

/**
 * Until when hosts may be missing because their reports were lost; undefined if none is missing for that
 * reason.
 */
export const incompleteUntil = (
  hearing: Pick<Hearing, 'hasLostReports' | 'runBeganMs'>,
  nowMs: EpochMs,
): EpochMs | undefined => {
  const untilMs = heardAnewUntil(hearing);
  return hearing.hasLostReports && nowMs < untilMs ? untilMs : undefined;
};
