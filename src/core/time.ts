/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** ISO 8601, UTC. */
export const isoTime = (ms: EpochMs): string => new Date(ms).toISOString();
