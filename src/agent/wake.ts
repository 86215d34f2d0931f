import { setTimeout as sleep } from 'node:timers/promises';

/** Settles after `ms`, or as soon as the signal aborts. */
export const delay = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

/** One sleeper, any number of callers. A call while there is no sleeper ends the next sleep at once. */
export interface Wake {
  readonly call: () => void;
  /** Settles at the next call, after `ms` at the latest, or when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const createWake = (): Wake => {
  let isCalled = false;
  let end: (() => void) | undefined;
  return {
    call: () => {
      isCalled = true;
      end?.();
    },
    sleep: async (ms, signal) => {
      if (!isCalled && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, ms);
        end = resolve;
        signal.addEventListener('abort', end, { once: true });
        await promise;
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        end = undefined;
      }
      isCalled = false;
    },
  };
};
