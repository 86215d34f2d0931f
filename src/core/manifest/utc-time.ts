import type { EpochMs } from '../time.ts';

const UTC = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|\+00:00)$/;

/**
 * Parses an RFC 3339 time in UTC, cut to milliseconds. Returns undefined for other zones and impossible dates
 * (30 February).
 */
export const parseUtcTime = (text: string): EpochMs | undefined => {
  const [, seconds, fraction = ''] = UTC.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const canonical = `${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
  const atMs = Date.parse(canonical);
  return !Number.isNaN(atMs) && new Date(atMs).toISOString() === canonical ? atMs : undefined;
};
