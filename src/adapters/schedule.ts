import { Cron } from 'croner';
import { POLL_FORM } from '../core/poll-form.ts';
import { uniformOf } from '../core/uniform.ts';

/** A clock may be set while we wait: so often it is looked at. Less than what setTimeout can count. */
const LONGEST_WAIT_MS = 30_000;

/**
 * Polls at the times of a cron expression, later by an offset that is this host's own: stable, and at most one
 * period, so that a fleet does not ask at the same second. By the local clock, which croner reads without Intl: loading that takes 8 MB.
 * croner only says when: its own timers work the next time out five times for each poll.
 */
export const schedulePolls = (
  expression: string,
  host: string,
  onPoll: () => void,
  signal: AbortSignal,
): void => {
  const cron = new Cron(expression, POLL_FORM);
  const share = uniformOf(host);
  let timer: NodeJS.Timeout | undefined;
  let lookedAtMs = Date.now();

  const pollFrom = (run: Date | null): Poll | undefined => {
    if (!run) return undefined;
    const next = cron.nextRun(run);
    const periodMs = next ? next.getTime() - run.getTime() : 0;
    return { atMs: run.getTime() + Math.floor(share * periodMs), next };
  };
  const wait = (poll: Poll | undefined): void => {
    if (!poll) return;
    const waitMs = Math.min(Math.max(0, poll.atMs - Date.now()), LONGEST_WAIT_MS);
    timer = setTimeout(() => look(poll), waitMs);
  };
  const look = (poll: Poll): void => {
    const nowMs = Date.now();
    const isSetBack = nowMs < lookedAtMs;
    lookedAtMs = nowMs;
    if (isSetBack) {
      wait(pollFrom(cron.nextRun()));
      return;
    }
    if (nowMs < poll.atMs) {
      wait(poll);
      return;
    }
    onPoll();
    const following = pollFrom(poll.next);
    // What a clock that was set forward, or a machine that slept, has left out stays out.
    wait(following && following.atMs > nowMs ? following : pollFrom(cron.nextRun()));
  };

  if (signal.aborted) return;
  wait(pollFrom(cron.nextRun()));
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
};

interface Poll {
  readonly atMs: number;
  /** The next time of the expression. */
  readonly next: Date | null;
}
