const DURATIONS: readonly (readonly [number, string])[] = [
  [24 * 60 * 60 * 1000, 'd'],
  [60 * 60 * 1000, 'h'],
  [60 * 1000, 'min'],
  [1000, 's'],
  [1, 'ms'],
];

/** Rounds down to the largest unit that fits: `350 ms`, `3 s`, `2 min`, `4 h`, `3 d`. */
export const formatDuration = (ms: number): string => {
  const whole = Math.max(0, Math.floor(ms));
  const [size, unit] = DURATIONS.find(([least]) => whole >= least) ?? [1, 's'];
  return `${Math.floor(whole / size)} ${unit}`;
};

const MINUTE_MS = 60_000;

/** Exact, for limits: `140 min`, and `90 s` if it is no whole number of minutes. */
export const minutesText = (ms: number): string =>
  ms % MINUTE_MS === 0 ? `${String(ms / MINUTE_MS)} min` : `${String(Math.round(ms / 1000))} s`;

/** `3 s ago`, `in 2 min`, `now` (less than a second away). */
export const relativeTime = (nowMs: number, thenMs: number): string => {
  const distance = Math.abs(nowMs - thenMs);
  if (distance < 1000) return 'now';
  return thenMs < nowMs ? `${formatDuration(distance)} ago` : `in ${formatDuration(distance)}`;
};

/** `1 service`, `2 services` */
export const count = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/**
 * Decimal units, as docker prints them, with three digits at most: `512 B`, `1.5 kB`, `73.2 MB`, `998 MB`.
 */
export const formatBytes = (bytes: number): string => {
  const fits = (power: number): boolean => Number((bytes / 1000 ** power).toPrecision(3)) < 1000;
  const power = [0, 1, 2, 3].find(fits) ?? 4;
  return `${Number((bytes / 1000 ** power).toPrecision(power === 4 ? 4 : 3))} ${SIZES[power] ?? 'TB'}`;
};

const DAY = '2026-11-30'.length;
const MINUTES = '2026-11-30T12:00'.length;

/** `2 min ago (11:58 UTC)`, with the date if it is of another day. */
export const timeText = (nowMs: number, iso: string): string => {
  const [today, then] = [new Date(nowMs).toISOString(), new Date(iso).toISOString()];
  const date = then.slice(0, DAY) === today.slice(0, DAY) ? '' : `${then.slice(0, DAY)} `;
  return `${relativeTime(nowMs, Date.parse(iso))} (${date}${then.slice(DAY + 1, MINUTES)} UTC)`;
};
