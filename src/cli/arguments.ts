import { AgentError } from '../core/errors.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `2h`, `1h30m`, `7d` → ms. @throws AgentError USAGE */
export const parseDuration = (text: string): number => {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const isWhole = parts.length > 0 && parts.map((p) => p[0]).join('') === text;
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
  if (isWhole && ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw new AgentError('USAGE', `"${text}" is not a duration`, {
    advice: 'write it like 90s, 30m, 2h or 1h30m',
  });
};

export const parseSerial = (text: string): number => {
  const serial = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(serial)) return serial;
  throw new AgentError('USAGE', `"${text}" is not a serial`, {
    advice: 'write a whole number, as supercargo status shows it',
  });
};
