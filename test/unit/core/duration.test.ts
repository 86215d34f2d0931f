import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/core/duration.ts';

describe('a duration', () => {
  it.each([
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['500ms', 500],
    ['2000us', 2],
    ['0s', 0],
    ['0', undefined],
    ['10', undefined],
    ['1us', undefined],
    ['-1s', undefined],
    ['1d', undefined],
    ['1s ', undefined],
    ['99999999999999999h', undefined],
    ['', undefined],
  ])('of compose files: %j is %s ms', (text, ms) => {
    expect(parseDuration(text, ['us', 'ms', 's', 'm', 'h'])).toBe(ms);
  });

  it.each([
    ['7d', 604_800_000],
    ['90s', 90_000],
    ['500ms', undefined],
    ['1h 30m', undefined],
  ])('of the command line: %j is %s ms', (text, ms) => {
    expect(parseDuration(text, ['s', 'm', 'h', 'd'])).toBe(ms);
  });
});
