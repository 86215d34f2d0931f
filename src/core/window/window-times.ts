import type { EpochMs } from '../time.ts';
import type { DeployWindow } from './deploy-window.ts';
import { createZone } from './zone.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Returns 1 for Monday. */
const dayOfWeek = (wallMidnight: number): number => ((new Date(wallMidnight).getUTCDay() + 6) % 7) + 1;

/** The starts of the window from `back` days before `at` to `ahead` days after it, in order. */
const openings = (window: DeployWindow, at: EpochMs, back: number, ahead: number): readonly EpochMs[] => {
  const zone = createZone(window.zone);
  const today = Math.floor(zone.wallAt(at) / DAY_MS) * DAY_MS;
  return Array.from({ length: back + ahead + 1 }, (_, index) => today + (index - back) * DAY_MS)
    .filter((midnight) => window.days.includes(dayOfWeek(midnight)))
    .map((midnight) => zone.momentOf(midnight + window.startMinute * 60_000));
};

/**
 * Looks one extra day in both directions, because a skipped hour moves a start and a day may have 23 or 25
 * hours.
 */
const isOpenAt = (window: DeployWindow, at: EpochMs): boolean =>
  openings(window, at, Math.ceil(window.durationMs / DAY_MS) + 1, 1).some(
    (start) => start <= at && at < start + window.durationMs,
  );

/** Whether a switch may begin: a window is open, or no window is defined. */
export const openAt = (windows: readonly DeployWindow[], at: EpochMs): boolean =>
  windows.length === 0 || windows.some((window) => isOpenAt(window, at));

/** The first moment, from `at` on, at which a window is open. */
export const nextOpening = (windows: readonly DeployWindow[], at: EpochMs): EpochMs => {
  if (openAt(windows, at)) return at;
  return Math.min(...windows.flatMap((window) => openings(window, at, 1, 8).filter((start) => start > at)));
};
