import type { Action } from '../core/plan/action.ts';
import { settledWithin } from './settled-within.ts';

/** Work in progress. */
export interface Busy {
  readonly actions: readonly Action[];
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * Each lane (a service, or a service's staging) does one piece of work at a time; lanes run in parallel. A
 * lane accepts only work from an observation that began after its last work ended: an older observation does
 * not show that work.
 */
export const createLanes = (onIdle: () => void) => {
  const busy = new Map<string, Busy>();
  /** Work whose lane may take other work before it ends. */
  const aside = new Set<Busy>();
  const endedAt = new Map<string, number>();
  let observations = 0;

  return {
    /** Call before observing; pass the number to `start`. */
    nextObservation: (): number => {
      observations += 1;
      return observations;
    },
    isBusy: (): boolean => busy.size + aside.size > 0,
    /** Whether work (of this lane, or any) ended after this observation began, which may make it outdated. */
    hasEndedSince: (observation: number, lane?: string): boolean =>
      [...endedAt].some(([name, at]) => (lane === undefined || lane === name) && at >= observation),
    of: (lane: string): Busy | undefined => busy.get(lane),
    entries: (): readonly (readonly [string, Busy])[] => [...busy],

    start: (
      lane: string,
      observation: number,
      actions: readonly Action[],
      run: (signal: AbortSignal) => Promise<void>,
    ): boolean => {
      if (busy.has(lane) || (endedAt.get(lane) ?? 0) >= observation) return false;
      const abort = new AbortController();
      const done = run(abort.signal).finally(() => {
        aside.delete(work);
        if (busy.get(lane) === work) busy.delete(lane);
        endedAt.set(lane, observations);
        onIdle();
      });
      const work: Busy = { actions, abort, done };
      busy.set(lane, work);
      return true;
    },

    /** Frees the lane although its work goes on. The next observation may plan other work. */
    setAside: (lane: string): void => {
      const work = busy.get(lane);
      if (!work) return;
      busy.delete(lane);
      aside.add(work);
      onIdle();
    },
    aside: (): readonly Action[] => [...aside].flatMap((work) => work.actions),

    abort: (lane: string): void => {
      busy.get(lane)?.abort.abort();
    },

    /** Aborts all work and waits at most `limitMs` for its end. The engine completes what it has begun. */
    close: async (limitMs: number): Promise<void> => {
      const all = [...busy.values(), ...aside];
      for (const { abort } of all) abort.abort();
      await settledWithin(
        all.map(({ done }) => done),
        limitMs,
      );
    },
  };
};
