interface Limits {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The first and the longest delay of every back-off, in milliseconds. */
export const BACKOFF = {
  manifestSource: { baseMs: 2_000, capMs: 120_000 },
  /** How long a hub that failed is left alone while another one answers. */
  hub: { baseMs: 10_000, capMs: 120_000 },
  report: { baseMs: 2_000, capMs: 60_000 },
  /** A failed step, of the edge too: nothing stops for it twice. */
  step: { baseMs: 2_000, capMs: 300_000 },
  /** A failed start of a new release: each try interrupts the service. */
  start: { baseMs: 60_000, capMs: 3_600_000 },
  repeatedStep: { baseMs: 2_000, capMs: 300_000 },
} as const;

/** After the death of its hub a host waits for up to so long, at random, before it goes to the next one. */
export const RECONNECT_JITTER_MS = 5_000;

export interface Backoff extends Limits {
  /** Consecutive failures, including the last one. */
  readonly failures: number;
  /** Drawn by the caller, uniform in [0, 1). */
  readonly random: number;
  /** A server's `Retry-After`, which may exceed `capMs`. */
  readonly floorMs: number | undefined;
}

/** The longest delay after this many failures in a row. */
export const ceilingMs = ({ baseMs, capMs }: Limits, failures: number): number =>
  Math.min(capMs, baseMs * 2 ** Math.max(0, failures - 1));

/**
 * Exponential back-off with full jitter: uniform in [0, min(cap, base · 2^(failures − 1))), but at least the
 * floor.
 */
export const nextDelayMs = (backoff: Backoff): number =>
  Math.max(backoff.floorMs ?? 0, Math.floor(backoff.random * ceilingMs(backoff, backoff.failures)));
