import { setTimeout as sleep } from 'node:timers/promises';
import { toAgentError } from '../../core/errors.ts';
import type { EventLog } from '../../core/events.ts';
import type { HubStore } from '../../core/ports/hub-store.ts';

const RETRY_MS = 1000;

/**
 * Waits until the store can be read.
 * @throws AgentError STORE if a person must act first; the signal's reason
 */
export const awaitStore = async (
  { manifests }: Pick<HubStore, 'manifests'>,
  log: EventLog,
  signal: AbortSignal,
): Promise<void> => {
  const state = { isLogged: false };
  for (;;) {
    signal.throwIfAborted();
    try {
      await manifests.environments();
      return;
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
