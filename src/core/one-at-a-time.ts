import { orAborted } from './or-aborted.ts';

export interface OneAtATime {
  /**
   * Runs the work after all earlier work of this key. A failure reaches only its own caller.
   * @throws the signal's reason if the signal aborts the wait
   */
  <T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Runs work of one key in order of the calls, and work of different keys in parallel. */
export const createOneAtATime = (): OneAtATime => {
  const tails = new Map<string, Promise<unknown>>();
  const forget = async (key: string, tail: Promise<unknown>): Promise<void> => {
    await tail;
    if (tails.get(key) === tail) tails.delete(key);
  };
  return (key, work, signal) => {
    const before = tails.get(key);
    const reached = before && signal ? orAborted(before, signal) : before;
    const mine = reached ? reached.then(work) : work();
    // A caller that aborts keeps its place: later callers still wait for earlier ones.
    const tail = Promise.allSettled([before, mine]);
    tails.set(key, tail);
    void forget(key, tail);
    return mine;
  };
};
