import type { Digest } from '../image/reference.ts';

export interface Spooled {
  readonly file: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly dispose: () => Promise<void>;
}

/** Keeps content that is too large for memory in a temporary local file. */
export interface Spool {
  /**
   * @throws AgentError DISK_FULL before reading, if there is no space for `bytes`; or what `content` throws
   */
  readonly keep: (content: AsyncIterable<Uint8Array>, bytes: number, signal: AbortSignal) => Promise<Spooled>;
}
