const UNIT_MS = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export type DurationUnit = keyof typeof UNIT_MS;

/**
 * Converts `1h30m` to milliseconds, with the units that the caller allows. Returns undefined for other text
 * and for fractions of a millisecond.
 */
export const parseDuration = (text: string, units: readonly DurationUnit[]): number | undefined => {
  const part = `(\\d+(?:\\.\\d+)?)(${units.join('|')})`;
  if (!new RegExp(`^(?:${part})+$`).test(text)) return undefined;
  const ms = [...text.matchAll(new RegExp(part, 'g'))].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit as DurationUnit],
    0,
  );
  const rounded = Math.round(ms);
  return Math.abs(ms - rounded) < 1e-6 && Number.isSafeInteger(rounded) ? rounded : undefined;
};
