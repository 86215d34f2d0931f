import { orAborted } from './or-aborted.ts';

export interface OneAtATime {
  /**
   * Runs when all that was asked for under this key before has ended; what one throws is its caller's.
   * @throws the signal's reason to whoever gives up waiting
   */
  <T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/**
 * One after the other for each key, in the order in which they were asked for; different keys side by side.
 */
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
    // Who gave up does not let those behind it pass those before it.
    const tail = Promise.allSettled([before, mine]);
    tails.set(key, tail);
    void forget(key, tail);
    return mine;
  };
};
