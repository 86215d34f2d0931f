import { setTimeout as sleep } from 'node:timers/promises';

export interface Deadline {
  readonly deadlineMs?: number;
  readonly everyMs?: number;
  /** What is awaited, and the evidence when it did not come: read once, after the deadline. */
  readonly describe: () => string | Promise<string>;
}

/**
 * The first value of `condition` that is neither undefined nor false. What `condition` throws counts as "not yet" and is
 * the cause of the error at the deadline (40 s unless given: machines are shared).
 */
export const eventually = async <T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { deadlineMs = 40_000, everyMs = 50, describe }: Deadline,
): Promise<T> => {
  const end = performance.now() + deadlineMs;
  let cause: unknown;
  do {
    const begunAt = performance.now();
    try {
      const value = await condition();
      cause = undefined;
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      cause = error;
    }
    // A question that takes long, as one by the command line, leaves the machine to what it asks about.
    await sleep(Math.max(everyMs, 2 * (performance.now() - begunAt)));
  } while (performance.now() < end);
  throw new Error(`not within ${String(deadlineMs)} ms: ${await describe()}`, { cause });
};
