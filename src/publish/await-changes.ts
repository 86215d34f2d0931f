import { AgentError } from '../core/errors.ts';
import type { Rollouts } from '../core/ports/rollouts.ts';
import { changeText, progressText, unfinishedOf } from '../core/publish/overtaken-changes.ts';
import type { ReportedChange, ReportedRollout } from '../core/turns/read-rollout.ts';
import { haltCause, judgeChange } from '../core/turns/rollout-verdict.ts';
import type { WaitClock } from './wait-for-fleet.ts';

export interface AwaitOptions {
  readonly rollouts: Rollouts;
  readonly environment: string;
  readonly changes: readonly ReportedChange[];
  readonly timeoutMs: number;
  /** Called with a sentence for each step of a change. */
  readonly onProgress: (text: string) => void;
}

const POLL_MS = 2_000;

const halted = (rollout: ReportedRollout, change: ReportedChange, environment: string): AgentError =>
  new AgentError('HALTED', `${changeText(change)} is halted: ${haltCause(rollout, change)?.reason ?? ''}`, {
    advice:
      `nothing was published; see \`supercargo rollout status ${environment}\`, then publish a repaired ` +
      `version without --after, roll back, or let it go on: supercargo rollout resume ${environment} --reason …`,
  });

/**
 * Waits until each change is finished or overtaken by another publish.
 * @throws AgentError HALTED if one is halted, TIMED_OUT, STORE if the store hands out no turns any more
 */
export const awaitChanges = async (
  { rollouts, environment, changes, timeoutMs, onProgress }: AwaitOptions,
  clock: WaitClock,
  signal: AbortSignal,
): Promise<void> => {
  const endMs = clock.now() + timeoutMs;
  const serials = new Set(changes.map(({ serial }) => serial));
  const shown = new Map<number, string>();
  let trouble: string | undefined;
  for (;;) {
    const startMs = clock.now();
    let left = changes;
    try {
      const rollout = await rollouts.status(environment, signal);
      trouble = undefined;
      if (rollout === 'no-turns') return;
      left = unfinishedOf(rollout).filter(({ serial }) => serials.has(serial));
      const stopped = left.find((change) => judgeChange(change) === 'halted');
      if (stopped) throw halted(rollout, stopped, environment);
    } catch (error) {
      signal.throwIfAborted();
      // A store that is away for a moment ends no wait.
      if (!(error instanceof AgentError) || error.retry !== 'later') throw error;
      trouble = error.message;
    }
    if (left.length === 0) return;
    for (const change of left) {
      const text = `${changeText(change)}: ${progressText(change)}`;
      if (shown.get(change.serial) !== text) onProgress(text);
      shown.set(change.serial, text);
    }
    const leftMs = endMs - clock.now();
    if (leftMs <= 0)
      throw new AgentError(
        'TIMED_OUT',
        `${left.map(changeText).join('; ')} has not ended in time` +
          (trouble === undefined ? '' : ` (${trouble})`),
        {
          advice:
            `nothing was published; see \`supercargo rollout status ${environment}\`, ` +
            'and wait longer with --timeout or publish without --after',
        },
      );
    const pauseMs = Math.max(POLL_MS, 2 * (clock.now() - startMs));
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
};
