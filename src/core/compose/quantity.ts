const POWER: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 };

/**
 * Converts `512m`, `1gb`, `64k` or `1024` to bytes. Units are powers of 1024, like the engine's. Returns
 * undefined for other text, and for a fraction of a byte.
 */
export const parseBytes = (text: string): number | undefined => {
  const [, count, unit] = /^(\d+(?:\.\d+)?) ?(?:([kmgt])i?)?b?$/i.exec(text) ?? [];
  if (count === undefined || (unit === undefined && count.includes('.'))) return undefined;
  const bytes = Math.floor(Number(count) * 1024 ** (POWER[(unit ?? '').toLowerCase()] ?? 0));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};
