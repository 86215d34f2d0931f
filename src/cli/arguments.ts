import { parseDuration } from '../core/duration.ts';
import { AgentError } from '../core/errors.ts';
import { parseListenAddress, type ListenAddress } from '../core/hub/listen-address.ts';

/** Keeps every time that it is added to before the year 10000, which no time format has. */
const LONGEST_MS = 36_525 * 24 * 3600 * 1000;

/** `90s`, `2h`, `1h30m`, `7d` → ms. @throws AgentError USAGE */
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

/** `127.0.0.1:8440`, `:8440` … @throws AgentError USAGE */
export const listenArgument = (text: string): ListenAddress => {
  const address = parseListenAddress(text);
  if (address) return address;
  throw new AgentError('USAGE', `"${text}" is not a listen address`, {
    advice: 'write it like 127.0.0.1:8440, [::1]:8440 or :8440',
  });
};

export const parseSerial = (text: string): number => {
  const serial = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(serial)) return serial;
  throw new AgentError('USAGE', `"${text}" is not a serial`, {
    advice: 'write a whole number, as supercargo status shows it',
  });
};
