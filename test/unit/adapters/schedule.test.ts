import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { schedulePolls } from '../../../src/adapters/schedule.ts';
import { parseCron } from '../../../src/config/cron.ts';
import { uniformOf } from '../../../src/core/hash-fraction.ts';

const PERIOD_MS = 30_000;

describe('the offset of a host', () => {
  it('is a share of the period: its own, stable, and less than all of it', () => {
    const hosts = Array.from({ length: 100 }, (_, n) => `host-${String(n)}`);
    const shares = hosts.map((host) => uniformOf(host));
    expect(hosts.map((host) => uniformOf(host))).toEqual(shares);
    expect(shares.every((share) => share >= 0 && share < 1)).toBe(true);
    expect(new Set(shares).size).toBeGreaterThan(90);
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
    schedulePolls(parseCron('*/30 * * * * *'), 'host-1', () => polls.push(Date.now()), ended.signal);
    await vi.advanceTimersByTimeAsync(100_000);
    const first = Date.parse('2026-11-23T10:00:30Z') + Math.floor(uniformOf('host-1') * PERIOD_MS);
    expect(polls.map((at) => Math.round((at - first) / 1_000))).toEqual(
      polls.map((_, n) => (n * PERIOD_MS) / 1_000),
    );
    expect(polls.length).toBeGreaterThanOrEqual(2);
    ended.abort();
    const before = polls.length;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(polls).toHaveLength(before);
  });

  it('follow a clock that is set back or forward, and make up for none that it left out', async () => {
    const ended = new AbortController();
    const polls: number[] = [];
    schedulePolls(parseCron('0 0 * * * *'), 'host-1', () => polls.push(Date.now()), ended.signal);
    const hourMs = 3_600_000;
    const offset = Math.floor(uniformOf('host-1') * hourMs);
    for (const start of ['2026-11-22T03:10:00Z', '2026-11-25T17:10:00Z'].map((t) => Date.parse(t))) {
      vi.setSystemTime(start);
      await vi.advanceTimersByTimeAsync(3 * hourMs);
      const ours = polls.splice(0).map((at) => at - (at % hourMs));
      expect(ours.length).toBeGreaterThanOrEqual(2);
      expect(ours.length).toBeLessThanOrEqual(4);
      expect(new Set(ours).size).toBe(ours.length);
    }
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(polls.map((at) => Math.round(((at - offset) % hourMs) / 1_000) % 3_600)).toEqual([0]);
    ended.abort();
  });
});
