import type { AgentError } from '../errors.ts';
import type { EpochMs } from '../time.ts';

export interface HubFile {
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly modifiedAtMs: EpochMs;
}

export interface FileChange {
  readonly path: string;
  /** Undefined deletes the file. */
  readonly bytes: Uint8Array | undefined;
}

/** The files of a hub. Paths are those of `core/fleet/store-layout.ts`, below one folder. */
export interface HubFiles {
  /** Undefined if there is none. @throws AgentError STORE */
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
  /** Entries of a folder, sorted by name; empty if the folder does not exist. @throws AgentError STORE */
  readonly list: (folder: string) => Promise<readonly HubFile[]>;
  /**
   * Makes changes of different paths, each atomically. Returns an error or undefined for each, in the same
   * order; a change without an error survives a power cut. Never rejects.
   */
  readonly apply: (changes: readonly FileChange[]) => Promise<readonly (AgentError | undefined)[]>;
  /** Sets the time of a file; a power cut may undo it. Returns false if it cannot: write the file anew. */
  readonly touch: (path: string, atMs: EpochMs) => Promise<boolean>;
}
