import { BACKOFF, ceilingMs } from '../backoff.ts';
import type { EpochMs } from '../time.ts';
import type { FailedStep } from './plan-input.ts';

/** Steps in a row that made one thing, or put it back: each time it was not as desired a moment later. */
export interface Repetition {
  readonly count: number;
  readonly sinceMs: EpochMs;
  readonly lastMs: EpochMs;
  /** Back-off after the last step; 0 means none. */
  readonly restMs: number;
}

/** An operator who removes or changes a container a few times in a row finds it back at once. */
const FREE = 5;
/** After this gap a step begins a new series. */
const FORGOTTEN_MS = 60_000;

/** Counts a step; a gap of twice the last back-off ends the series. */
export const repeated = (before: Repetition | undefined, nowMs: EpochMs): Repetition => {
  const isOver = !before || nowMs - before.lastMs > Math.max(FORGOTTEN_MS, 2 * before.restMs);
  const count = isOver ? 1 : before.count + 1;
  const restMs = count <= FREE ? 0 : ceilingMs(BACKOFF.repeatedStep, count - FREE);
  return { count, sinceMs: isOver ? nowMs : before.sinceMs, lastMs: nowMs, restMs };
};

interface Repeated extends Pick<FailedStep, 'action' | 'release'> {
  readonly name: string;
  /** What became of the thing that was created; undefined for one that was put back. */
  readonly fate: string | undefined;
}

/** The step succeeded, but backs off as if it had failed. */
export const repetitionAsFailedStep = (
  { action, release, name, fate }: Repeated,
  { count, sinceMs, lastMs, restMs }: Repetition,
): FailedStep => {
  const seconds = String(Math.max(1, Math.round((lastMs - sinceMs) / 1000)));
  return {
    action,
    release,
    containerId: undefined,
    code: 'REPEATED',
    ...(fate === undefined
      ? {
          message:
            `${name} was put back ${String(count)} times within ${seconds} s (${action}), ` +
            'and each time it was changed again',
          advice:
            'find out what changes it (docker events); it is put back again by itself, less and less often',
        }
      : {
          message: `${name} was created ${String(count)} times within ${seconds} s, and each time it was gone: ${fate}`,
          advice:
            'find out what removes it (supercargo history, docker events); ' +
            'it is created again by itself, less and less often',
        }),
    count,
    untilMs: lastMs + restMs,
  };
};
