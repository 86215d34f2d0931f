/** A longer `Retry-After` must not stop the host's updates: the agent polls at least once an hour. */
const MAX_MS = 3_600_000;
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** RFC 9110, section 10.2.3: seconds or a date, at most one hour. Returns undefined for anything else. */
export const parseRetryAfter = (value: string | undefined, nowMs: number): number | undefined => {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(MAX_MS, Number(text) * 1000);
  if (!IMF_FIXDATE.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.min(MAX_MS, Math.max(0, atMs - nowMs));
};
