import { parseDuration } from '../core/duration.ts';
import { AgentError } from '../core/errors.ts';

/** `90s`, `2h`, `1h30m`, `7d` → ms. @throws AgentError USAGE */
/** Keeps every time that it is added to before the year 10000, which no time format has. */
const LONGEST_MS = 36_525 * 24 * 3600 * 1000;

export const durationArgument = (text: string): number => {
  const ms = parseDuration(text, ['s', 'm', 'h', 'd']);
  if (ms !== undefined && ms > LONGEST_MS)
    throw new AgentError('USAGE', `"${text}" is longer than a hundred years`, {
      advice: 'leave the limit out',
    });
  if (ms !== undefined && ms > 0) return ms;
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
