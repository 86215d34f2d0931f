import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeployWindow } from '../../../../src/core/window/deploy-window.ts';
import { parseWindows } from '../../../../src/core/window/parse.ts';
import { nextOpening, openAt } from '../../../../src/core/window/window-times.ts';

const windows = (text: string): readonly DeployWindow[] => {
  const parsed = parseWindows(text);
  if (parsed.kind === 'windows') return parsed.windows;
  throw new Error(parsed.message);
};
const at = (iso: string): number => Date.parse(iso);
const next = (text: string, iso: string): string =>
  new Date(nextOpening(windows(text), at(iso))).toISOString().replace('.000', '');

const OFFICE = 'Mon-Fri 09:00+8h Europe/London';
const NIGHT = 'Fri 22:00+10h UTC';

describe('a window is open', () => {
  // 2026-03-02 is a Monday.
  it.each([
    ['from its start', OFFICE, '2026-03-02T09:00:00Z', true],
    ['not a millisecond before', OFFICE, '2026-03-02T08:59:59.999Z', false],
    ['until its end', OFFICE, '2026-03-02T16:59:59.999Z', true],
    ['not at its end', OFFICE, '2026-03-02T17:00:00Z', false],
    ['not on other days', OFFICE, '2026-03-07T12:00:00Z', false],
    ['by the clock of its zone in summer', OFFICE, '2026-06-01T08:00:00Z', true],
    ['over midnight into a day that it does not name', NIGHT, '2026-03-07T07:59:00Z', true],
    ['no longer than that', NIGHT, '2026-03-07T08:00:00Z', false],
    ['for days', 'Sat 12:00+48h UTC', '2026-03-09T11:59:00Z', true],
    ['for a week, into the next one', 'Mon 00:00+168h UTC', '2026-03-08T23:59:59Z', true],
    ['by the day of its zone, not of UTC', 'Mon 00:30+1h Pacific/Auckland', '2026-03-01T11:45:00Z', true],
    ['where one of several is', `${OFFICE}; Sat 10:00+1h UTC`, '2026-03-07T10:30:00Z', true],
    ['where two overlap', 'daily 09:00+2h UTC; daily 10:00+2h UTC', '2026-03-07T10:30:00Z', true],
  ])('%s', (_what, text, iso, isOpen) => {
    expect(openAt(windows(text), at(iso))).toBe(isOpen);
  });

  it('always, where there are none', () => {
    expect([openAt([], 0), nextOpening([], 5)]).toEqual([true, 5]);
  });
});

describe('the next opening', () => {
  it.each([
    ['is now while one is open', OFFICE, '2026-03-02T12:00:00Z', '2026-03-02T12:00:00Z'],
    ['is later today', OFFICE, '2026-03-02T03:00:00Z', '2026-03-02T09:00:00Z'],
    ['is tomorrow', OFFICE, '2026-03-02T17:00:00Z', '2026-03-03T09:00:00Z'],
    ['is after the weekend', OFFICE, '2026-03-06T17:00:00Z', '2026-03-09T09:00:00Z'],
    [
      'is after the weekend on which the clocks change',
      OFFICE,
      '2026-03-28T12:00:00Z',
      '2026-03-30T08:00:00Z',
    ],
    ['is next week', 'Mon 09:00+1h UTC', '2026-03-02T10:00:00Z', '2026-03-09T09:00:00Z'],
    ['is that of the first', `${OFFICE}; Sat 10:00+1h UTC`, '2026-03-06T18:00:00Z', '2026-03-07T10:00:00Z'],
  ])('%s', (_what, text, iso, expected) => {
    expect(next(text, iso)).toBe(expected);
  });
});

describe('when the clocks change', () => {
  it('a start that is skipped comes as long after the gap as it was in it', () => {
    // London, 2026-03-29: 01:00 GMT is 02:00 BST.
    expect(next('daily 01:30+1h Europe/London', '2026-03-29T00:00:00Z')).toBe('2026-03-29T01:30:00Z');
    expect(next('daily 01:30+1h Europe/London', '2026-03-29T03:00:00Z')).toBe('2026-03-30T00:30:00Z');
  });

  it('a start that is there twice is the first one, once', () => {
    // London, 2026-10-25: 02:00 BST is 01:00 GMT.
    const twice = 'Sun 01:30+15m Europe/London';
    expect(next(twice, '2026-10-25T00:00:00Z')).toBe('2026-10-25T00:30:00Z');
    expect(next(twice, '2026-10-25T00:45:00Z')).toBe('2026-11-01T01:30:00Z');
  });

  it.each([
    ['spring', 'Sat 22:00+8h Europe/London', '2026-03-29T05:59:00Z', '2026-03-29T06:00:00Z'],
    ['autumn', 'Sat 22:00+8h Europe/London', '2026-10-25T04:59:00Z', '2026-10-25T05:00:00Z'],
  ])('a window lasts as long as it says in %s too', (_when, text, last, over) => {
    expect([openAt(windows(text), at(last)), openAt(windows(text), at(over))]).toEqual([true, false]);
  });

  it('a start at a midnight that is skipped is the first moment of the day', () => {
    // Santiago, 2026-09-06: 00:00 is 01:00.
    expect(next('Sun 00:00+1h America/Santiago', '2026-09-06T03:00:00Z')).toBe('2026-09-06T04:00:00Z');
  });

  it('a half-hour change is one too', () => {
    // Lord Howe, 2026-10-04: 02:00 is 02:30.
    expect(next('Sun 02:15+1h Australia/Lord_Howe', '2026-10-03T12:00:00Z')).toBe('2026-10-03T15:45:00Z');
  });
});

describe('for any windows at any time', () => {
  const zones = ['UTC', 'Europe/London', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
  const anyWindow = fc.record({
    text: fc.constant(''),
    days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    startMinute: fc.integer({ min: 0, max: 1439 }),
    durationMs: fc.integer({ min: 1, max: 168 * 60 }).map((minutes) => minutes * 60_000),
    zone: fc.constantFrom(...zones),
  });
  const anyTime = fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') });

  it('the next opening is open, and until then it is closed', () => {
    fc.assert(
      fc.property(
        fc.array(anyWindow, { minLength: 1, maxLength: 3 }),
        anyTime,
        fc.float({ min: 0, max: 1, noNaN: true }),
        (some, now, share) => {
          const opens = nextOpening(some, now);
          expect(openAt(some, opens)).toBe(true);
          expect(opens - now).toBeLessThan(8 * 24 * 3_600_000);
          const before = opens > now && openAt(some, now + Math.floor(share * (opens - 1 - now)));
          expect(before).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });
});
