export interface Backoff {
  /** Consecutive failures, including the last one. */
  readonly failures: number;
  /** Drawn by the caller, uniform in [0, 1). */
  readonly random: number;
  /** A server's `Retry-After`, which may exceed `capMs`. */
  readonly floorMs: number | undefined;
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Exponential back-off with full jitter: uniform in [0, min(cap, base · 2^(failures − 1))), but at least the
 * floor.
 */
export const nextDelayMs = ({ failures, random, floorMs, baseMs, capMs }: Backoff): number => {
  const ceilingMs = Math.min(capMs, baseMs * 2 ** Math.max(0, failures - 1));
  return Math.max(floorMs ?? 0, Math.floor(random * ceilingMs));
};
