import type { Digest } from '../image/reference.ts';

export interface Spooled {
  readonly file: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly dispose: () => Promise<void>;
}

/** Keeps what is too large for memory for a while in a file of this machine. */
export interface Spool {
  /**
   * @throws AgentError DISK_FULL before anything is read, where there is no room for so much; or what
   * `content` throws
   */
  readonly keep: (content: AsyncIterable<Uint8Array>, bytes: number, signal: AbortSignal) => Promise<Spooled>;
}
