import type { AgentError } from '../../core/errors.ts';
import type { FileChange, HubFiles } from '../../core/ports/hub-files.ts';

export interface WriteQueue {
  /**
   * Undefined bytes delete the file. Settles when this change, or a later one of the same file, is on disk or
   * failed.
   */
  readonly write: (path: string, bytes: Uint8Array | undefined) => Promise<AgentError | undefined>;
}

interface Pending {
  change: FileChange;
  readonly settle: (failure: AgentError | undefined) => void;
  readonly settled: Promise<AgentError | undefined>;
}

/** Files of a batch share the sync of their folder; between two batches there is time for a publish. */
const BATCH = 32;

/**
 * Writes one batch at a time. A newer content replaces a waiting one, so a slow disk gets fewer writes
 * instead of a longer queue.
 */
export const createWriteQueue = (files: HubFiles): WriteQueue => {
  const waiting = new Map<string, Pending>();
  const state = { isBusy: false };
  const flush = async (): Promise<void> => {
    state.isBusy = true;
    while (waiting.size > 0) {
      const batch = [...waiting.values()].slice(0, BATCH);
      for (const { change } of batch) waiting.delete(change.path);
      const results = await files.apply(batch.map(({ change }) => change));
      for (const [index, { settle }] of batch.entries()) settle(results[index]);
    }
    state.isBusy = false;
  };
  return {
    write: (path, bytes) => {
      const change: FileChange = { path, bytes };
      const before = waiting.get(path);
      if (before) {
        before.change = change;
        return before.settled;
      }
      const { promise, resolve } = Promise.withResolvers<AgentError | undefined>();
      waiting.set(path, { change, settle: resolve, settled: promise });
      if (!state.isBusy) void flush();
      return promise;
    },
  };
};
