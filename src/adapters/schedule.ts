import { type CronFields, nextRun } from '../core/cron/next-run.ts';
import type { EpochMs } from '../core/time.ts';
import { uniformOf } from '../core/uniform.ts';

/** A clock may be set while we wait: so often it is looked at. Less than what setTimeout can count. */
const LONGEST_WAIT_MS = 30_000;

/**
 * Polls at the times of a cron expression, later by an offset that is this host's own: stable, and at most
 * one period, so that a fleet does not ask at the same second. One timer: the next time is worked out once
 * for each poll.
 */
export const schedulePolls = (
  cron: CronFields,
  host: string,
  onPoll: () => void,
  signal: AbortSignal,
): void => {
  const share = uniformOf(host);
  let timer: NodeJS.Timeout | undefined;
  let lookedAtMs = Date.now();

  const pollFrom = (runMs: EpochMs | undefined): Poll | undefined => {
    if (runMs === undefined) return undefined;
    const nextMs = nextRun(cron, runMs);
    const periodMs = nextMs === undefined ? 0 : nextMs - runMs;
    return { atMs: runMs + Math.floor(share * periodMs), nextMs };
  };
  const wait = (poll: Poll | undefined): void => {
    if (!poll) return;
    const waitMs = Math.min(Math.max(0, poll.atMs - Date.now()), LONGEST_WAIT_MS);
    timer = setTimeout(() => look(poll), waitMs);
  };
  const look = (poll: Poll): void => {
    const nowMs = Date.now();
    const hasSteppedBack = nowMs < lookedAtMs;
    lookedAtMs = nowMs;
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
    // What a clock that was set forward, or a machine that slept, has left out stays out.
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
