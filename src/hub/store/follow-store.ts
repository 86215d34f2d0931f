import { messageOf } from '../../core/errors.ts';
import type { HubStore, StoreNews } from '../../core/ports/hub-store.ts';

type What = Parameters<StoreNews>[1];

export interface FollowOptions {
  readonly store: Pick<HubStore, 'follow'>;
  /** Reads what is new. */
  readonly read: Readonly<Record<What, (environment: string) => Promise<unknown>>>;
  /** Called once for each time that the store is away. */
  readonly onTrouble: (message: string) => void;
}

const AGAIN_MS = 1000;

/**
 * Reads what the store tells of. News that could not be read is read again until it is: a host that holds a
 * poll here would wait for the next publish otherwise. Returns what ends it.
 */
export const followStore = ({ store, read, onTrouble }: FollowOptions): (() => void) => {
  const timers = new Map<string, NodeJS.Timeout>();
  const state = { isWell: true, isEnded: false };
  const catchUp = async (environment: string, what: What): Promise<void> => {
    const key = `${what} ${environment}`;
    clearTimeout(timers.get(key));
    timers.delete(key);
    try {
      await read[what](environment);
      state.isWell = true;
    } catch (error) {
      if (state.isEnded) return;
      if (state.isWell) onTrouble(`the store cannot be read: ${messageOf(error)}`);
      state.isWell = false;
      clearTimeout(timers.get(key));
      timers.set(
        key,
        setTimeout(() => void catchUp(environment, what), AGAIN_MS),
      );
    }
  };
  const stop = store.follow((environment, what) => void catchUp(environment, what));
  return () => {
    state.isEnded = true;
    stop();
    for (const timer of timers.values()) clearTimeout(timer);
  };
};
