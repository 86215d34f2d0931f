import type { Digest } from '../image/reference.ts';
import type { StoredArchive } from './archive-store.ts';

/** The archives of a hub: files named by their digest. */
export interface HubArchives {
  /** @throws AgentError STORE */
  readonly list: () => Promise<readonly string[]>;
  /** Undefined if there is none. @throws AgentError STORE */
  readonly find: (file: string) => Promise<StoredArchive | undefined>;
  /** Opens a file that `find` returned. */
  readonly open: (file: string) => AsyncIterable<Uint8Array>;
  /**
   * Stores an archive durably and atomically. `mismatch` means that the content was different and was
   * dropped.
   * @throws AgentError STORE, with the field `code` ENOSPC if there is no space for `bytes`
   */
  readonly receive: (
    file: string,
    content: AsyncIterable<Uint8Array>,
    expected: { readonly digest: Digest; readonly bytes: number },
  ) => Promise<'written' | 'mismatch'>;
  /** Returns false if there was none. @throws AgentError STORE */
  readonly remove: (file: string) => Promise<boolean>;
}
