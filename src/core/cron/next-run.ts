import type { EpochMs } from '../time.ts';

/** A parsed cron expression. Each field lists its allowed values in ascending order. */
export interface CronFields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** 1 to 31, `L`, `L-3`, `15W` or `LW`. */
  readonly daysOfMonth: readonly (number | string)[];
  readonly months: readonly number[];
  /** 0 (Sunday) to 6, `5L` or `1#2`. */
  readonly daysOfWeek: readonly (number | string)[];
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** 29 February falls on a given weekday every 28 years, or 40 years across a century without a leap day. */
const LONGEST_GAP_MS = 41 * 366 * 86_400_000;

/**
 * Returns the first time after `afterMs` that the expression allows, in local time, or undefined if there is
 * none. Both the day of the month and the day of the week must match. In autumn the expression matches in
 * both repetitions of the hour; in spring the skipped hour has no match. The getters of Date give local time
 * without Intl, which would take 10 MB of memory.
 */
export const nextRun = (fields: CronFields, afterMs: EpochMs): EpochMs | undefined => {
  let ms = Math.floor(afterMs / SECOND_MS) * SECOND_MS + SECOND_MS;
  const lastMs = ms + LONGEST_GAP_MS;
  while (ms <= lastMs) {
    const next = skipTo(fields, new Date(ms));
    if (next === ms) return ms;
    ms = next;
  }
  return undefined;
};

/** Returns the same time if every field allows it, else the start of the next candidate. */
const skipTo = (fields: CronFields, date: Date): EpochMs => {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  if (!fields.months.includes(month + 1)) return new Date(year, month + 1, 1).getTime();
  if (!isDayAllowed(fields, date)) return new Date(year, month, day + 1).getTime();
  const [minute, second] = [date.getMinutes(), date.getSeconds()];
  const toFullMinute = date.getTime() - second * SECOND_MS;
  if (!fields.hours.includes(date.getHours())) return toFullMinute + (60 - minute) * MINUTE_MS;
  if (!fields.minutes.includes(minute)) return toFullMinute + stepTo(fields.minutes, minute) * MINUTE_MS;
  if (!fields.seconds.includes(second)) return date.getTime() + stepTo(fields.seconds, second) * SECOND_MS;
  return date.getTime();
};

/** The distance to the next allowed value, or to the end of the minute or hour. */
const stepTo = (allowed: readonly number[], value: number): number =>
  (allowed.find((candidate) => candidate > value) ?? 60) - value;

const isDayAllowed = ({ daysOfMonth, daysOfWeek }: CronFields, date: Date): boolean => {
  const day = dayOf(date);
  return daysOfMonth.some((value) => isDayOfMonth(value, day)) && daysOfWeek.some((v) => isDayOfWeek(v, day));
};

interface Day {
  readonly day: number;
  /** 0: Sunday. */
  readonly weekday: number;
  readonly lastDay: number;
}

const dayOf = (date: Date): Day => ({
  day: date.getDate(),
  weekday: date.getDay(),
  lastDay: new Date(date.getFullYear(), date.getMonth() + 1, 0).getDate(),
});

const isDayOfMonth = (value: number | string, day: Day): boolean => {
  if (typeof value === 'number') return value === day.day;
  const [, fromEnd] = /^L(?:-(\d+))?$/.exec(value) ?? [];
  if (value.endsWith('W')) {
    const target = value === 'LW' ? day.lastDay : Number(value.slice(0, -1));
    return target <= day.lastDay && day.day === nearestWeekday(target, day);
  }
  return day.day === day.lastDay - Number(fromEnd ?? 0);
};

/** The weekday nearest to `target`, within the month of `day`. */
const nearestWeekday = (target: number, { day, weekday, lastDay }: Day): number => {
  const weekdayOfTarget = (((weekday + target - day) % 7) + 7) % 7;
  if (weekdayOfTarget === 6) return target === 1 ? 3 : target - 1;
  if (weekdayOfTarget === 0) return target === lastDay ? lastDay - 2 : target + 1;
  return target;
};

const isDayOfWeek = (value: number | string, { day, weekday, lastDay }: Day): boolean => {
  if (typeof value === 'number') return value === weekday;
  const [text, nth] = value.split('#');
  if (Number.parseInt(text ?? '', 10) % 7 !== weekday) return false;
  return nth === undefined ? day + 7 > lastDay : Math.ceil(day / 7) === Number(nth);
};
