import type { AgentError } from '../core/errors.ts';
import type { FileChange, HubFiles } from '../core/ports/hub-files.ts';

export interface WriteQueue {
  /**
   * Undefined bytes: the file goes away. Fulfilled when this change, or a later one of the same file, is on
   * disk or has failed.
   */
  readonly write: (path: string, bytes: Uint8Array | undefined) => Promise<AgentError | undefined>;
}

interface Pending {
  change: FileChange;
  readonly settle: (failure: AgentError | undefined) => void;
  readonly settled: Promise<AgentError | undefined>;
}

/**
 * So many files are written at once: they share the sync of their folder, and leave room for a publish
 * between two batches.
 */
const BATCH = 32;

/**
 * One batch at a time. While a file waits, a newer content takes the older one's place: a slow disk gets
 * fewer writes, not a longer queue.
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
