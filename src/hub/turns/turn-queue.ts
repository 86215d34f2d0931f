import type { WaitEnd, Waiting } from '../http/held-requests.ts';

/** Requests for turns that wait for a change, each in a place of its group. */
export interface TurnQueue {
  /**
   * Takes a place of the group if fewer than `most` are taken. Returns what holds the request and gives the
   * place back; undefined if there is none.
   */
  readonly enter: (environment: string, group: string, most: number) => HeldTurn | undefined;
  /** Ends the waits of the first requests of each group. */
  readonly wake: (environment: string) => void;
}

export interface HeldTurn {
  readonly hold: (seconds: number, onEnd: (end: WaitEnd) => void) => void;
  /** Safe to call again. */
  readonly leave: () => void;
}

/**
 * So many of a group are asked anew at one change: those behind them wait for the same slots. Each turn that
 * is granted is another change, so that the next ones follow.
 */
const AT_ONCE = 16;

const topicOf = (environment: string, group: string): string => `turns ${environment} ${group}`;

export const createTurnQueue = (waiting: Waiting): TurnQueue => {
  const places = new Map<string, Map<string, number>>();
  const count = (environment: string, group: string, by: number): void => {
    const groups = places.get(environment) ?? new Map<string, number>();
    const taken = (groups.get(group) ?? 0) + by;
    if (taken > 0) groups.set(group, taken);
    else groups.delete(group);
    if (groups.size > 0) places.set(environment, groups);
    else places.delete(environment);
  };
  return {
    enter: (environment, group, most) => {
      if ((places.get(environment)?.get(group) ?? 0) >= most) return undefined;
      count(environment, group, 1);
      const state = { isIn: true, release: (): void => undefined };
      return {
        hold: (seconds, onEnd) => {
          if (state.isIn) state.release = waiting.hold(topicOf(environment, group), seconds, onEnd);
        },
        leave: () => {
          if (!state.isIn) return;
          state.isIn = false;
          state.release();
          count(environment, group, -1);
        },
      };
    },
    wake: (environment) => {
      for (const group of places.get(environment)?.keys() ?? [])
        waiting.wake(topicOf(environment, group), AT_ONCE);
    },
  };
};
