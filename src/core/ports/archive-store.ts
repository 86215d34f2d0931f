import type { EpochMs } from '../time.ts';

export interface StoredArchive {
  readonly bytes: number;
  /** Undefined: the store does not say. */
  readonly modifiedAtMs: EpochMs | undefined;
}

/**
 * Where images are kept beside manifests. Paths are those of `core/fleet/store-layout.ts`. All throw AgentError
 * STORE.
 */
export interface ArchiveStore {
  /** Undefined: there is none. */
  readonly find: (path: string, signal: AbortSignal) => Promise<StoredArchive | undefined>;
  /** Whole or not at all; replaces what is there. `file` is on this machine. */
  readonly put: (path: string, file: string, signal: AbortSignal) => Promise<void>;
  readonly remove: (path: string, signal: AbortSignal) => Promise<void>;
}
