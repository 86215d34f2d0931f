import type { AgentError } from '../errors.ts';
import type { EpochMs } from '../time.ts';

export interface HubFile {
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly modifiedAtMs: EpochMs;
}

export interface FileChange {
  readonly path: string;
  /** Undefined: the file goes away. */
  readonly bytes: Uint8Array | undefined;
}

/** The files that a hub keeps. Paths are those of `core/fleet/store-layout.ts`, below one folder. */
export interface HubFiles {
  /** Undefined: there is none. @throws AgentError STORE */
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
  /** What is in a folder, by name; a folder that is not there is empty. @throws AgentError STORE */
  readonly list: (folder: string) => Promise<readonly HubFile[]>;
  /**
   * Makes changes of different paths, each of them whole or not at all. Those without an error survive a
   * power cut once this is fulfilled. One answer for each change, in their order; never rejects.
   */
  readonly apply: (changes: readonly FileChange[]) => Promise<readonly (AgentError | undefined)[]>;
}
