import { type CronFields, nextRun } from '../core/cron/next-run.ts';
import type { EpochMs } from '../core/time.ts';
import { uniformOf } from '../core/hash-fraction.ts';

/** The clock may be set during a wait, so it is read this often. Below the maximum of setTimeout. */
const LONGEST_WAIT_MS = 30_000;

/**
 * Polls at the times of a cron expression plus a stable offset of this host, at most one period, so that the
 * hosts of a fleet do not ask in the same second. The next time is computed once per poll.
 */
export const schedulePolls = (
  cron: CronFields,
  host: string,
  onPoll: () => void,
  signal: AbortSignal,
): void => {
  const share = uniformOf(host);
  let timer: NodeJS.Timeout | undefined;
  let checkedAtMs = Date.now();

  const pollFrom = (runMs: EpochMs | undefined): Poll | undefined => {
    if (runMs === undefined) return undefined;
    const nextMs = nextRun(cron, runMs);
    const periodMs = nextMs === undefined ? 0 : nextMs - runMs;
    return { atMs: runMs + Math.floor(share * periodMs), nextMs };
  };
  const wait = (poll: Poll | undefined): void => {
    if (!poll) return;
    const waitMs = Math.min(Math.max(0, poll.atMs - Date.now()), LONGEST_WAIT_MS);
    timer = setTimeout(() => check(poll), waitMs);
  };
  const check = (poll: Poll): void => {
    const nowMs = Date.now();
    const hasSteppedBack = nowMs < checkedAtMs;
    checkedAtMs = nowMs;
    if (hasSteppedBack) {
      wait(pollFrom(nextRun(cron, nowMs)));
      return;
    }
    if (nowMs < poll.atMs) {
      wait(poll);
      return;
    }
    onPoll();
    const following = pollFrom(poll.nextMs);
    // Polls that were missed because the clock was set forward or the machine slept are skipped.
    wait(following && following.atMs > nowMs ? following : pollFrom(nextRun(cron, nowMs)));
  };

  if (signal.aborted) return;
  wait(pollFrom(nextRun(cron, Date.now())));
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
};

interface Poll {
  readonly atMs: EpochMs;
  /** The next time of the expression. */
  readonly nextMs: EpochMs | undefined;
}
