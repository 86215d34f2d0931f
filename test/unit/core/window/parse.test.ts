import { describe, expect, it } from 'vitest';
import { parseWindows } from '../../../../src/core/window/parse.ts';

const H = 3_600_000;

const offset = (timeZone: string): string =>
  new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).format(0);

describe('a window', () => {
  it.each([
    ['Mon-Fri 09:00+8h Europe/London', [1, 2, 3, 4, 5], 540, 8 * H, 'Europe/London'],
    ['daily 22:30+90m UTC', [1, 2, 3, 4, 5, 6, 7], 1350, 1.5 * H, 'UTC'],
    ['Sat,Sun,Tue 00:00+1h30m America/New_York', [2, 6, 7], 0, 1.5 * H, 'America/New_York'],
    ['Fri-Mon 9:05+168h asia/kathmandu', [1, 5, 6, 7], 545, 168 * H, 'Asia/Kathmandu'],
    ['monday,WED-thu 23:59+1m UTC', [1, 3, 4], 1439, 60_000, 'UTC'],
    ['Mon,Mon-Tue 01:00+2h UTC', [1, 2], 60, 2 * H, 'UTC'],
  ])('is read from %s', (text, days, startMinute, durationMs, zone) => {
    const parsed = parseWindows(text);
    const windows = parsed.kind === 'windows' ? parsed.windows : [];
    // Engines differ in which of two names of a zone they prefer.
    expect(windows.map((w) => ({ ...w, zone: '' }))).toEqual([
      { text, days, startMinute, durationMs, zone: '' },
    ]);
    expect(windows.map((w) => offset(w.zone))).toEqual([offset(zone)]);
  });

  it('is one of several, parted by semicolons', () => {
    const parsed = parseWindows(' Mon 09:00+1h UTC ;  daily 03:00+30m UTC; ');
    expect(parsed).toMatchObject({
      kind: 'windows',
      windows: [{ text: 'Mon 09:00+1h UTC' }, { text: 'daily 03:00+30m UTC' }],
    });
  });

  it.each([
    ['', 'contains no window'],
    [' ; ', 'contains no window'],
    ['Mo 09:00+8h UTC', '"Mo" is not a day: write Mon, Tue,'],
    ['Mon- 09:00+8h UTC', 'a day is missing before or after a comma or dash'],
    ['Mon-Wed-Fri 09:00+8h UTC', '"Mon-Wed-Fri" has more than one dash'],
    ['daily,Mon 09:00+8h UTC', '"daily" is not a day'],
    ['09:00+8h UTC', '"09:00+8h" is not a day'],
    ['Mon', 'the start and the duration are missing'],
    ['Mon 24:00+8h UTC', '"24:00" is not a time of day: write it from 00:00 to 23:59'],
    ['Mon 9+8h UTC', '"9" is not a time of day'],
    ['Mon 09:60+8h UTC', '"09:60" is not a time of day'],
    ['Mon 09:00-17:00 UTC', '"09:00-17:00" is not a time of day'],
    ['Mon 09:00 UTC', 'the duration is missing after 09:00, such as +8h'],
    ['Mon 09:00+ UTC', '"" is not a duration: write 8h, 90m or 1h30m'],
    ['Mon 09:00+8 UTC', '"8" is not a duration'],
    ['Mon 09:00+0h UTC', '"0h" is not a duration'],
    ['Mon 09:00+169h UTC', '"169h" is not a duration'],
    ['Mon 09:00+1h+1h UTC', '"1h+1h" is not a duration'],
    ['Mon 09:00+8h', 'the time zone is missing'],
    ['Mon 09:00+8h Europe/Atlantis', '"Europe/Atlantis" is not a time zone'],
    ['Mon 09:00+8h +01:00', '"+01:00" is not a time zone'],
    [
      'Mon 09:00+8h UTC Tue 09:00+8h UTC',
      '"Tue 09:00+8h UTC" comes after the time zone: separate windows by ";"',
    ],
  ])('is refused as %j, with the part that is wrong', (text, message) => {
    const parsed = parseWindows(text);
    expect(parsed).toMatchObject({ kind: 'problem', message: expect.stringContaining(message) as string });
  });

  it('names the one of several that is wrong', () => {
    expect(parseWindows('Mon 09:00+8h UTC; Tue 09:00+8h')).toEqual({
      kind: 'problem',
      message: 'has the window "Tue 09:00+8h": the time zone is missing, such as Europe/London or UTC',
    });
  });
});
