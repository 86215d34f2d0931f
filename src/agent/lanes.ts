import type { Action } from '../core/plan/action.ts';

/** What a lane is busy with. */
export interface Busy {
  readonly actions: readonly Action[];
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * One thing at a time per lane (a service, or a service's staging), any number of lanes side by side. A lane
 * may only be given work that was planned on a look taken after its last work ended: an older look does not
 * know of it.
 */
export const createLanes = (onIdle: () => void) => {
  const busy = new Map<string, Busy>();
  const endedAt = new Map<string, number>();
  let looks = 0;

  return {
    /** Call before observing; hand the number to `start`. */
    look: (): number => {
      looks += 1;
      return looks;
    },
    isBusy: (): boolean => busy.size > 0,
    /**
     * Something ended after this look began (one lane's, or any): what it saw may be of before, or of half
     * way.
     */
    hasEndedSince: (look: number, lane?: string): boolean =>
      [...endedAt].some(([name, at]) => (lane === undefined || lane === name) && at >= look),
    of: (lane: string): Busy | undefined => busy.get(lane),
    entries: (): readonly (readonly [string, Busy])[] => [...busy],

    start: (
      lane: string,
      look: number,
      actions: readonly Action[],
      run: (signal: AbortSignal) => Promise<void>,
    ): boolean => {
      if (busy.has(lane) || (endedAt.get(lane) ?? 0) >= look) return false;
      const abort = new AbortController();
      const done = run(abort.signal).finally(() => {
        busy.delete(lane);
        endedAt.set(lane, looks);
        onIdle();
      });
      busy.set(lane, { actions, abort, done });
      return true;
    },

    abort: (lane: string): void => {
      busy.get(lane)?.abort.abort();
    },

    /** Aborts everything and waits for it, at most `limitMs`: the engine ends what it has begun by itself. */
    close: async (limitMs: number): Promise<void> => {
      for (const { abort } of busy.values()) abort.abort();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, limitMs);
      await Promise.race([Promise.allSettled([...busy.values()].map((b) => b.done)), promise]);
      clearTimeout(timer);
    },
  };
};
