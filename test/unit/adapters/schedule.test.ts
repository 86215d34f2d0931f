import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { offsetMs, periodMs, schedulePolls } from '../../../src/adapters/schedule.ts';

const PERIOD_MS = 30_000;

describe('the offset of a host', () => {
  it('is its own, stable, and less than one period', () => {
    const hosts = Array.from({ length: 100 }, (_, n) => `host-${String(n)}`);
    const offsets = hosts.map((host) => offsetMs(host, PERIOD_MS));
    expect(hosts.map((host) => offsetMs(host, PERIOD_MS))).toEqual(offsets);
    expect(offsets.every((ms) => ms >= 0 && ms < PERIOD_MS)).toBe(true);
    expect(new Set(offsets).size).toBeGreaterThan(90);
    expect(offsetMs('host-1', 0)).toBe(0);
  });

  it('is a share of the time from one run to the next', () => {
    expect(periodMs([new Date(1_000), new Date(31_000)])).toBe(PERIOD_MS);
    expect(periodMs([new Date(1_000)])).toBe(0);
  });
});

describe('polls', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2026-11-23T10:00:01Z') });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('come at the times of the expression, later by the offset, until the signal aborts', async () => {
    const ended = new AbortController();
    const polls: number[] = [];
    schedulePolls('*/30 * * * * *', 'host-1', () => polls.push(Date.now()), ended.signal);
    await vi.advanceTimersByTimeAsync(100_000);
    const offset = offsetMs('host-1', PERIOD_MS);
    const first = Date.parse('2026-11-23T10:00:30Z') + offset;
    expect(polls.map((at) => Math.round((at - first) / 1_000))).toEqual(
      polls.map((_, n) => (n * PERIOD_MS) / 1_000),
    );
    expect(polls.length).toBeGreaterThanOrEqual(2);
    ended.abort();
    const before = polls.length;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(polls).toHaveLength(before);
  });
});
