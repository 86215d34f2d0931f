import { describe, expect, it } from 'vitest';
import { heardStepMs, startsNewRun } from '../../../../src/core/hub/hearing.ts';
import { isOutdatedBeat } from '../../../../src/core/hub/report-order.ts';

describe('how long hosts are heard', () => {
  it.each([
    ['the time since the report before', 1000, 31_000, 30_000],
    ['at most one and a half intervals', 1000, 500_000, 90_000],
    ['nothing while the clock goes back', 31_000, 1000, 0],
  ])('grows by %s', (_what, beforeMs, atMs, stepMs) => {
    expect(heardStepMs(beforeMs, atMs)).toBe(stepMs);
  });

  it.each([
    [1000, 181_000, false],
    [1000, 181_001, true],
    [181_001, 1000, false],
  ])('begins anew after three minutes without a report: %i, %i', (beforeMs, atMs, isNew) => {
    expect(startsNewRun(beforeMs, atMs)).toBe(isNew);
  });
});

describe('a heartbeat', () => {
  it.each([
    [7, 6, true],
    [7, 7, false],
    [7, 8, false],
    [null, 1, false],
    [7, null, false],
  ])('after number %s, with %s', (stored, seq, isLate) => {
    expect(isOutdatedBeat(stored, seq)).toBe(isLate);
  });
});
