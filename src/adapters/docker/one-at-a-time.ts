export interface OneAtATime {
  /** Runs when all that was asked for under this key before has ended. @throws the signal's reason to whoever gives up waiting. */
  <T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** One after the other for each key, in the order in which they were asked for; different keys side by side. */
export const createOneAtATime = (): OneAtATime => {
  const tails = new Map<string, Promise<unknown>>();
  const forget = async (key: string, tail: Promise<unknown>): Promise<void> => {
    await tail;
    if (tails.get(key) === tail) tails.delete(key);
  };
  return (key, signal, work) => {
    const before = tails.get(key);
    const mine = before ? reached(before, signal).then(work) : work();
    // Who gave up does not let those behind it pass those before it.
    const tail = Promise.allSettled([before, mine]);
    tails.set(key, tail);
    void forget(key, tail);
    return mine;
  };
};

const reached = async (before: Promise<unknown>, signal: AbortSignal): Promise<void> => {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await Promise.race([before, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
};
