import type { EpochMs } from '../time.ts';

export interface StoredArchive {
  readonly bytes: number;
  /** Undefined if the store does not report it. */
  readonly modifiedAtMs: EpochMs | undefined;
}

/**
 * The store of archives. Paths are those of `core/fleet/store-layout.ts`. All functions throw AgentError
 * STORE.
 */
export interface ArchiveStore {
  /** Undefined if there is none. */
  readonly find: (path: string, signal: AbortSignal) => Promise<StoredArchive | undefined>;
  /** Stores the local `file` atomically; replaces an existing archive. */
  readonly put: (path: string, file: string, signal: AbortSignal) => Promise<void>;
  readonly remove: (path: string, signal: AbortSignal) => Promise<void>;
}
