import type { Digest } from '../image/reference.ts';
import type { StoredArchive } from './archive-store.ts';

/** The images that a hub keeps: files named by their digest. */
export interface HubArchives {
  /** @throws AgentError STORE */
  readonly list: () => Promise<readonly string[]>;
  /** Undefined: there is none. @throws AgentError STORE */
  readonly find: (file: string) => Promise<StoredArchive | undefined>;
  /** Of a file that `find` has found. */
  readonly open: (file: string) => AsyncIterable<Uint8Array>;
  /**
   * Durable once this settles; half of it is never seen. `mismatch`: what came is something else, and nothing
   * was kept.
   * @throws AgentError STORE, with the field `code` ENOSPC where there is no room for `bytes`
   */
  readonly receive: (
    file: string,
    content: AsyncIterable<Uint8Array>,
    wanted: { readonly digest: Digest; readonly bytes: number },
  ) => Promise<'written' | 'mismatch'>;
  /** False: there was none. @throws AgentError STORE */
  readonly remove: (file: string) => Promise<boolean>;
}
