import { createHash } from 'node:crypto';
import { createTask } from 'node-cron';

/**
 * Polls at the times of a node-cron expression, later by an offset that is this host's own: stable, and at most one
 * period, so that a fleet does not ask at the same second.
 */
export const schedulePolls = (
  expression: string,
  host: string,
  onPoll: () => void,
  signal: AbortSignal,
): void => {
  const timers = new Set<NodeJS.Timeout>();
  const task = createTask(expression, () => {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        onPoll();
      },
      offsetMs(host, periodMs(task.getNextRuns(2))),
    );
    timers.add(timer);
  });
  void task.start();
  const stop = (): void => {
    for (const timer of timers) clearTimeout(timer);
    void task.destroy();
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
