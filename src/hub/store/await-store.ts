import { setTimeout as sleep } from 'node:timers/promises';
import { toAgentError } from '../../core/errors.ts';
import type { EventLog } from '../../core/events.ts';

const RETRY_MS = 1000;

/**
 * Opens what the store has, as soon as it can be read: a store that goes away meanwhile is waited for as well.
 * @throws AgentError STORE if a person must act first; the signal's reason
 */
export const awaitStore = async <T>(
  open: () => Promise<T>,
  log: EventLog,
  signal: AbortSignal,
): Promise<T> => {
  const state = { isLogged: false };
  for (;;) {
    signal.throwIfAborted();
    try {
      return await open();
    } catch (error) {
      const { code, retry, message } = toAgentError(error);
      if (code !== 'STORE' || retry !== 'later') throw error;
      if (!state.isLogged)
        log.write('warn', 'hub.warned', {
          message: `the hub waits for its store and answers 503 meanwhile: ${message}`,
        });
      state.isLogged = true;
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
};
