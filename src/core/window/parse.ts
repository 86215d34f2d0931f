import { parseDuration } from '../duration.ts';
import type { DeployWindow } from './deploy-window.ts';

export type ParsedWindows =
  | { readonly kind: 'windows'; readonly windows: readonly DeployWindow[] }
  /** The message completes "VARIABLE …". */
  | { readonly kind: 'problem'; readonly message: string };

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
const WEEK: readonly number[] = [1, 2, 3, 4, 5, 6, 7];
const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;
const MINUTES_PER_DAY = 24 * 60;

/** What is wrong with one part of the text. */
interface Fault {
  readonly fault: string;
}
const fault = (message: string): Fault => ({ fault: message });
const isFault = (value: unknown): value is Fault =>
  typeof value === 'object' && value !== null && 'fault' in value;

/** Reads `Mon` or `Monday`, in upper or lower case. Returns 1 for Monday. */
const dayOf = (text: string): number | Fault => {
  const name = text.toLowerCase();
  const index = DAYS.findIndex((day) => day === name || day.slice(0, 3) === name);
  if (index !== -1) return index + 1;
  return fault(
    text === ''
      ? 'a day is missing before or after a comma or dash'
      : `"${text}" is not a day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range such as Mon-Fri, or daily`,
  );
};

/** A range may cross the end of the week: Fri-Mon. */
const rangeOf = (text: string): readonly number[] | Fault => {
  const [first = '', last = first, ...rest] = text.split('-');
  if (rest.length > 0) return fault(`"${text}" has more than one dash`);
  const [from, to] = [dayOf(first), dayOf(last)];
  if (isFault(from)) return from;
  if (isFault(to)) return to;
  const length = ((to - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => ((from - 1 + index) % 7) + 1);
};

const daysOf = (text: string): readonly number[] | Fault => {
  if (text.toLowerCase() === 'daily') return WEEK;
  const ranges = text.split(',').map(rangeOf);
  const invalid = ranges.find(isFault);
  if (invalid) return invalid;
  return WEEK.filter((day) => ranges.some((range) => !isFault(range) && range.includes(day)));
};

const startOf = (text: string): number | Fault => {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  // The hour 24:00 is refused: write 00:00 of the next day.
  if (Number(minutes) < 60 && minute < MINUTES_PER_DAY) return minute;
  return fault(`"${text}" is not a time of day: write it from 00:00 to 23:59`);
};

const durationOf = (text: string): number | Fault => {
  const durationMs = parseDuration(text, ['h', 'm']) ?? 0;
  if (durationMs > 0 && durationMs <= WEEK_MS) return durationMs;
  return fault(`"${text}" is not a duration: write 8h, 90m or 1h30m, at most 168h`);
};

/** Fixed offsets and unknown abbreviations are refused: only a named zone knows when its clocks change. */
const zoneOf = (text: string): string | Fault => {
  try {
    if (/^[A-Za-z]/.test(text))
      return new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    // The zone is unknown; the message follows.
  }
  return fault(`"${text}" is not a time zone: write its IANA name, such as Europe/London or UTC`);
};

const windowOf = (text: string): DeployWindow | Fault => {
  const [dayText = '', timeText, zoneText, ...rest] = text.split(/\s+/);
  const days = daysOf(dayText);
  if (isFault(days)) return days;
  if (timeText === undefined) return fault('the start and the duration are missing, such as 09:00+8h');
  const [startText = '', durationText, ...more] = timeText.split('+');
  const startMinute = startOf(startText);
  if (isFault(startMinute)) return startMinute;
  if (durationText === undefined) return fault(`the duration is missing after ${startText}, such as +8h`);
  const durationMs = durationOf([durationText, ...more].join('+'));
  if (isFault(durationMs)) return durationMs;
  if (zoneText === undefined) return fault('the time zone is missing, such as Europe/London or UTC');
  const zone = zoneOf(zoneText);
  if (isFault(zone)) return zone;
  if (rest.length > 0) return fault(`"${rest.join(' ')}" comes after the time zone: separate windows by ";"`);
  return { text, days, startMinute, durationMs, zone };
};

/** Parses `Mon-Fri 09:00+8h Europe/London; Sat 10:00+90m UTC`. */
export const parseWindows = (text: string): ParsedWindows => {
  const parts = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) return { kind: 'problem', message: 'contains no window' };
  const windows: DeployWindow[] = [];
  for (const part of parts) {
    const parsed = windowOf(part);
    if (isFault(parsed)) return { kind: 'problem', message: `has the window "${part}": ${parsed.fault}` };
    windows.push(parsed);
  }
  return { kind: 'windows', windows };
};
