import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseCron } from '../../../src/config/cron.ts';
import { nextRun } from '../../../src/core/cron/next-run.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const two = (n: number): string => String(n).padStart(2, '0');

/** The next times after a local moment in a time zone, as local time. */
const runsOf = (expression: string, from: string, zone: string, count = 3): readonly string[] => {
  vi.stubEnv('TZ', zone);
  const fields = parseCron(expression);
  const runs: string[] = [];
  let ms: number | undefined = new Date(from).getTime();
  while (runs.length < count) {
    ms = nextRun(fields, ms);
    if (ms === undefined) break;
    const local = new Date(ms);
    runs.push(
      `${String(local.getFullYear())}-${two(local.getMonth() + 1)}-${two(local.getDate())} ` +
        `${two(local.getHours())}:${two(local.getMinutes())}:${two(local.getSeconds())}`,
    );
  }
  return runs;
};

describe('the times of a cron expression', () => {
  it.each<[string, string, readonly string[]]>([
    ['*/30 * * * * *', '2026-11-30T10:00:00', ['11-30 10:00:30', '11-30 10:01:00', '11-30 10:01:30']],
    ['* * * * *', '2026-11-30T10:00:01', ['11-30 10:01:00', '11-30 10:02:00', '11-30 10:03:00']],
    ['@hourly', '2026-11-30T22:59:59', ['11-30 23:00:00', '12-01 00:00:00', '12-01 01:00:00']],
    ['7,50 3-4 22-23 * * *', '2026-11-30T22:03:07', ['11-30 22:03:50', '11-30 22:04:07', '11-30 22:04:50']],
    ['0 0 0 * * 7', '2026-11-30T00:00:00', ['12-06 00:00:00', '12-13 00:00:00', '12-20 00:00:00']],
    ['0 0 12 L * *', '2026-01-31T12:00:00', ['02-28 12:00:00', '03-31 12:00:00', '04-30 12:00:00']],
    ['0 0 12 L-3 * *', '2026-01-31T12:00:00', ['02-25 12:00:00', '03-28 12:00:00', '04-27 12:00:00']],
    ['0 0 12 1W,15W * *', '2026-07-31T12:00:00', ['08-03 12:00:00', '08-14 12:00:00', '09-01 12:00:00']],
    ['0 0 12 LW * *', '2026-04-30T12:00:00', ['05-29 12:00:00', '06-30 12:00:00', '07-31 12:00:00']],
    ['0 0 12 * * 5L', '2026-01-01T00:00:00', ['01-30 12:00:00', '02-27 12:00:00', '03-27 12:00:00']],
    ['0 0 12 * * MON#2', '2026-01-01T00:00:00', ['01-12 12:00:00', '02-09 12:00:00', '03-09 12:00:00']],
  ])('%s after %s', (expression, from, expected) => {
    expect(runsOf(expression, from, 'UTC')).toEqual(expected.map((time) => `2026-${time}`));
  });

  it('fit both the month and the week', () => {
    expect(runsOf('0 0 0 13 * FRI', '2026-01-01T00:00:00', 'UTC')).toEqual([
      '2026-02-13 00:00:00',
      '2026-03-13 00:00:00',
      '2026-11-13 00:00:00',
    ]);
  });

  it('wait decades for a leap day on a Monday', () => {
    expect(runsOf('0 0 0 29 2 MON', '2073-01-01T00:00:00', 'UTC', 1)).toEqual(['2112-02-29 00:00:00']);
  });

  it('come in both hours that autumn repeats, and not in the one that spring leaves out', () => {
    expect(runsOf('0 30 1 * * *', '2026-10-25T00:00:00', 'Europe/London')).toEqual([
      '2026-10-25 01:30:00',
      '2026-10-25 01:30:00',
      '2026-10-26 01:30:00',
    ]);
    expect(runsOf('0 30 1 * * *', '2026-03-28T12:00:00', 'Europe/London', 1)).toEqual([
      '2026-03-30 01:30:00',
    ]);
  });
});

describe('an expression that cannot be read', () => {
  it.each([
    ['61 * * * * *', 'its second is "61"'],
    ['? ? ? * * *', 'its second is "?"'],
    ['0 0 0 * * MON#L', 'its day of week is "MON#L"'],
    ['0 0 0 31 2 *', 'its day of month is "31"'],
    ['0 0 0 L-30 2 *', 'no date matches it'],
    ['* * * * * * *', 'expected 5 or 6 fields but got 7'],
    ['2026-01-01T00:00:00', 'illegal characters'],
    ['', 'illegal characters'],
  ])('says what is wrong with %j', (expression, message) => {
    expect(() => parseCron(expression)).toThrow(message);
  });
});
