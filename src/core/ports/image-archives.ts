import type { Archive } from '../image/archive.ts';

/** The archives that were published with the manifest. */
export interface ImageArchives {
  /** Address of an archive for people, without credentials. */
  readonly nameOf: (archive: Archive) => string;
  /**
   * The unverified bytes, streamed; throws if they end early.
   * @throws AgentError STORE, CREDENTIALS; or the abort of `signal`
   */
  readonly open: (archive: Archive, signal: AbortSignal) => AsyncIterable<Uint8Array>;
}
