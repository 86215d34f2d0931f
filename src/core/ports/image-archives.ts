import type { Archive } from '../image/archive.ts';

/** The images that were published beside the manifest. */
export interface ImageArchives {
  /** Where an archive is, for people; without credentials. */
  readonly nameOf: (archive: Archive) => string;
  /**
   * Its bytes, unjudged, as they come; they end early by throwing.
   * @throws AgentError STORE, CREDENTIALS; or the abort of `signal`
   */
  readonly open: (archive: Archive, signal: AbortSignal) => AsyncIterable<Uint8Array>;
}
