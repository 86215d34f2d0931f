import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, relativeTime } from '../../../../src/cli/terminal/units.ts';

const MINUTE = 60_000;

describe('units for people', () => {
  it.each([
    [-5, '0 s'],
    [0, '0 s'],
    [350.9, '350 ms'],
    [999.9, '999 ms'],
    [3999, '3 s'],
    [59_999, '59 s'],
    [2 * MINUTE, '2 min'],
    [240 * MINUTE, '4 h'],
    [23.99 * 60 * MINUTE, '23 h'],
    [3 * 24 * 60 * MINUTE, '3 d'],
    [400 * 24 * 60 * MINUTE, '400 d'],
  ])('%d ms is %s', (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });

  it.each([
    [1_000_000, 'now'],
    [999_001, 'now'],
    [997_000, '3 s ago'],
    [1_000_000 + 2 * MINUTE, 'in 2 min'],
  ])('at 1000000, the time %d is %s', (thenMs, expected) => {
    expect(relativeTime(1_000_000, thenMs)).toBe(expected);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1536, '1.54 kB'],
    [73_249_000, '73.2 MB'],
    [999_600, '1 MB'],
    [12_000_000_000, '12 GB'],
    [1.5e15, '1500 TB'],
  ])('%d bytes are %s', (bytes, expected) => {
    expect(formatBytes(bytes)).toBe(expected);
  });
});
