import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { POLL_FORM } from '../core/poll-form.ts';

/**
 * Polls at the times of a cron expression, later by an offset that is this host's own: stable, and at most one
 * period, so that a fleet does not ask at the same second. By the local clock, which croner reads without Intl: loading that takes 8 MB.
 */
export const schedulePolls = (
  expression: string,
  host: string,
  onPoll: () => void,
  signal: AbortSignal,
): void => {
  const timers = new Set<NodeJS.Timeout>();
  const job = new Cron(expression, POLL_FORM, () => {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        onPoll();
      },
      offsetMs(host, periodMs(job.nextRuns(2))),
    );
    timers.add(timer);
  });
  const stop = (): void => {
    for (const timer of timers) clearTimeout(timer);
    job.stop();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
};

/** From one run to the next; irregular expressions give the gap that comes now. */
export const periodMs = (runs: readonly Date[]): number => {
  const [first, second] = runs;
  return first && second ? second.getTime() - first.getTime() : 0;
};

/** SHA-256 of the host's name, first four bytes, as a share of the period. */
export const offsetMs = (host: string, period: number): number =>
  Math.floor((createHash('sha256').update(host).digest().readUInt32BE(0) / 2 ** 32) * period);
