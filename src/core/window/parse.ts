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
interface Wrong {
  readonly wrong: string;
}
const wrong = (message: string): Wrong => ({ wrong: message });
const isWrong = (value: unknown): value is Wrong =>
  typeof value === 'object' && value !== null && 'wrong' in value;

/** Reads `Mon` or `Monday`, in upper or lower case. Returns 1 for Monday. */
const dayOf = (text: string): number | Wrong => {
  const name = text.toLowerCase();
  const index = DAYS.findIndex((day) => day === name || day.slice(0, 3) === name);
  if (index !== -1) return index + 1;
  return wrong(
    text === ''
      ? 'a day is missing before or after a comma or dash'
      : `"${text}" is not a day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range such as Mon-Fri, or daily`,
  );
};

/** A range may cross the end of the week: Fri-Mon. */
const rangeOf = (text: string): readonly number[] | Wrong => {
  const [first = '', last = first, ...rest] = text.split('-');
  if (rest.length > 0) return wrong(`"${text}" has more than one dash`);
  const [from, to] = [dayOf(first), dayOf(last)];
  if (isWrong(from)) return from;
  if (isWrong(to)) return to;
  const length = ((to - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => ((from - 1 + index) % 7) + 1);
};

const daysOf = (text: string): readonly number[] | Wrong => {
  if (text.toLowerCase() === 'daily') return WEEK;
  const ranges = text.split(',').map(rangeOf);
  const fault = ranges.find(isWrong);
  if (fault) return fault;
  return WEEK.filter((day) => ranges.some((range) => !isWrong(range) && range.includes(day)));
};

const startOf = (text: string): number | Wrong => {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  // The hour 24:00 is refused: write 00:00 of the next day.
  if (Number(minutes) < 60 && minute < MINUTES_PER_DAY) return minute;
  return wrong(`"${text}" is not a time of day: write it from 00:00 to 23:59`);
};

const durationOf = (text: string): number | Wrong => {
  const durationMs = parseDuration(text, ['h', 'm']) ?? 0;
  if (durationMs > 0 && durationMs <= WEEK_MS) return durationMs;
  return wrong(`"${text}" is not a duration: write 8h, 90m or 1h30m, at most 168h`);
};

/** Fixed offsets and unknown abbreviations are refused: only a named zone knows when its clocks change. */
const zoneOf = (text: string): string | Wrong => {
  try {
    if (/^[A-Za-z]/.test(text))
      return new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    // The zone is unknown; the message follows.
  }
  return wrong(`"${text}" is not a time zone: write its IANA name, such as Europe/London or UTC`);
};

const windowOf = (text: string): DeployWindow | Wrong => {
  const [dayText = '', timeText, zoneText, ...rest] = text.split(/\s+/);
  const days = daysOf(dayText);
  if (isWrong(days)) return days;
  if (timeText === undefined) return wrong('the start and the duration are missing, such as 09:00+8h');
  const [startText = '', durationText, ...more] = timeText.split('+');
  const startMinute = startOf(startText);
  if (isWrong(startMinute)) return startMinute;
  if (durationText === undefined) return wrong(`the duration is missing after ${startText}, such as +8h`);
  const durationMs = durationOf([durationText, ...more].join('+'));
  if (isWrong(durationMs)) return durationMs;
  if (zoneText === undefined) return wrong('the time zone is missing, such as Europe/London or UTC');
  const zone = zoneOf(zoneText);
  if (isWrong(zone)) return zone;
  if (rest.length > 0) return wrong(`"${rest.join(' ')}" comes after the time zone: separate windows by ";"`);
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
    if (isWrong(parsed)) return { kind: 'problem', message: `has the window "${part}": ${parsed.wrong}` };
    windows.push(parsed);
  }
  return { kind: 'windows', windows };
};
