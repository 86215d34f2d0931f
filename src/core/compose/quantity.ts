const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PART = /(\d+(?:\.\d+)?)(us|ms|s|m|h)/g;

/**
 * Converts `1h30m`, `10s` or `500ms` to milliseconds. Returns undefined for other text and for fractions of a
 * millisecond.
 */
export const parseDuration = (text: string): number | undefined => {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/.test(text)) return undefined;
  const ms = [...text.matchAll(PART)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0),
    0,
  );
  const rounded = Math.round(ms);
  return Math.abs(ms - rounded) < 1e-6 && Number.isSafeInteger(rounded) ? rounded : undefined;
};

const POWER: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 };

/**
 * Converts `512m`, `1gb`, `64k` or `1024` to bytes. Units are powers of 1024, like the engine's. Returns
 * undefined for other text.
 */
export const parseBytes = (text: string): number | undefined => {
  const [, count, unit] = /^(\d+(?:\.\d+)?) ?(?:([kmgt])i?)?b?$/i.exec(text) ?? [];
  if (count === undefined) return undefined;
  const bytes = Math.floor(Number(count) * 1024 ** (POWER[(unit ?? '').toLowerCase()] ?? 0));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};
