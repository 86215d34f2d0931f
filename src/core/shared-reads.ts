/**
 * Reads one key at a time. A caller that comes during a read shares the next one with all others that come
 * meanwhile, so that its answer is never older than its call, and a crowd causes two reads.
 */
export const createSharedReads = <T>(read: (key: string) => Promise<T>): ((key: string) => Promise<T>) => {
  /** Settles, without a failure, once the running read of the key is over. */
  const running = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<T>>();
  const start = (key: string): Promise<T> => {
    const mine = read(key);
    const end = (): void => void running.delete(key);
    running.set(key, mine.then(end, end));
    return mine;
  };
  return (key) => {
    const current = running.get(key);
    if (current === undefined) return start(key);
    const waiting = next.get(key);
    if (waiting !== undefined) return waiting;
    const shared = (async () => {
      await current;
      next.delete(key);
      return start(key);
    })();
    next.set(key, shared);
    return shared;
  };
};
