import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIn, rolloutOpensAt, rolloutPosition } from '../../../../src/core/manifest/rollout.ts';
import type { RolloutPlace } from '../../../../src/core/manifest/rollout.ts';

const START_MS = Date.parse('2026-11-23T11:00:00Z');
const place = (
  rollout: { durationSeconds: number; startFraction: number },
  host = 'host-1',
): RolloutPlace => ({
  environment: 'staging',
  serial: 418,
  host,
  rollout: { startAtMs: START_MS, ...rollout },
});
const anyPlace: fc.Arbitrary<RolloutPlace> = fc.record({
  environment: fc.constantFrom('staging', 'production'),
  serial: fc.integer({ min: 1, max: 1000 }),
  host: fc.string(),
  rollout: fc.record({
    startAtMs: fc.integer({ min: START_MS - 1e9, max: START_MS + 1e9 }),
    durationSeconds: fc.integer({ min: 0, max: 100_000 }),
    startFraction: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
});
const HOSTS = Array.from({ length: 1000 }, (_, i) => `host-${i}`);

describe('the position of a host', () => {
  it('is the first four bytes of the hash, big endian, over 2^32', () => {
    const hex = createHash('sha256').update('staging/418/host-1').digest('hex');
    const position = Number.parseInt(hex.slice(0, 8), 16) / 4294967296;
    expect(rolloutPosition({ environment: 'staging', serial: 418, host: 'host-1' })).toBe(position);
  });

  it('differs from serial to serial, so that not always the same host goes first', () => {
    const positions = [1, 2, 3].map((serial) =>
      rolloutPosition({ environment: 'staging', serial, host: 'host-1' }),
    );
    expect(new Set(positions).size).toBe(3);
  });
});

describe('a rollout', () => {
  it('lets everyone in at once where there is none', () => {
    const free = { environment: 'staging', serial: 1, host: 'a', rollout: undefined };
    expect([rolloutOpensAt(free), isIn(free, 0)]).toEqual([0, true]);
  });

  it('lets everyone in at the start where it has no duration', () => {
    const instant = place({ durationSeconds: 0, startFraction: 0 });
    expect([isIn(instant, START_MS - 1), isIn(instant, START_MS)]).toEqual([false, true]);
  });

  it('lets the starting fraction in at any time, and nobody before the start where that is 0', () => {
    const inBefore = (startFraction: number) =>
      HOSTS.filter((host) => isIn(place({ durationSeconds: 3600, startFraction }, host), START_MS - 1))
        .length;
    expect(inBefore(0)).toBe(0);
    expect(inBefore(1)).toBe(HOSTS.length);
    expect(inBefore(0.2)).toBeGreaterThan(150);
    expect(inBefore(0.2)).toBeLessThan(250);
  });

  it('has about half of the others in half way, and all at the end', () => {
    const inAt = (nowMs: number) =>
      HOSTS.filter((host) => isIn(place({ durationSeconds: 3600, startFraction: 0.2 }, host), nowMs)).length;
    expect(inAt(START_MS + 1_800_000)).toBeGreaterThan(550);
    expect(inAt(START_MS + 1_800_000)).toBeLessThan(650);
    expect(inAt(START_MS + 3_600_000)).toBe(HOSTS.length);
  });

  it('never puts a host out again, and opens when it says', () => {
    fc.assert(
      fc.property(anyPlace, fc.integer({ min: 0, max: 1e9 }), (somewhere, afterMs) => {
        const opensAtMs = rolloutOpensAt(somewhere);
        expect(isIn(somewhere, opensAtMs + afterMs)).toBe(true);
        expect(isIn(somewhere, opensAtMs - 1 - afterMs)).toBe(false);
      }),
    );
  });

  it('follows the formula of the design to the millisecond', () => {
    fc.assert(
      fc.property(anyPlace, fc.integer({ min: -2e8, max: 2e8 }), (somewhere, offsetMs) => {
        const { rollout } = somewhere;
        fc.pre(rollout !== undefined);
        const share = (nowMs: number): number => {
          const elapsed = (nowMs - rollout.startAtMs) / (rollout.durationSeconds * 1000);
          const clamped = Number.isNaN(elapsed) ? 1 : Math.min(1, Math.max(0, elapsed));
          return rollout.startFraction + (1 - rollout.startFraction) * clamped;
        };
        const nowMs = rollout.startAtMs + offsetMs;
        const position = rolloutPosition(somewhere);
        const [before, after] = [position < share(nowMs - 1), position < share(nowMs + 1)];
        // Where the formula agrees on both sides of this millisecond, it leaves no choice.
        fc.pre(before === after);
        expect(isIn(somewhere, nowMs)).toBe(before);
      }),
      { numRuns: 500 },
    );
  });
});
