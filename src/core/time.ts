/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export const isoTime = (ms: EpochMs): string => new Date(ms).toISOString();

/** In whole seconds: `2026-11-23T10:00:00Z`. */
export const isoSeconds = (ms: EpochMs): string => isoTime(ms).replace(/\.\d{3}Z$/, 'Z');

/** Rounded up: `10 s`. */
export const secondsText = (ms: number): string => `${String(Math.ceil(ms / 1000))} s`;
