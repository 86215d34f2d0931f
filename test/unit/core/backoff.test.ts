import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextDelayMs } from '../../../src/core/backoff.ts';

const BASE = { random: 0.5, floorMs: undefined, baseMs: 1000, capMs: 60_000 };

describe('a back-off', () => {
  it.each([
    ['grows with each failure', { failures: 1 }, 500],
    ['grows with each failure', { failures: 2 }, 1000],
    ['grows with each failure', { failures: 4 }, 4000],
    ['stops at the cap', { failures: 40 }, 30_000],
    ['survives any number of failures', { failures: 100_000 }, 30_000],
    ['may be nothing', { failures: 9, random: 0 }, 0],
    ['keeps what the server asks for', { failures: 1, floorMs: 7000 }, 7000],
    ['keeps what the server asks for beyond the cap', { failures: 40, floorMs: 90_000 }, 90_000],
    ['may wait longer than the server asks for', { failures: 40, floorMs: 10_000 }, 30_000],
    ['takes no failure like the first', { failures: 0 }, 500],
  ])('%s: %j', (_, changes, delayMs) => {
    expect(nextDelayMs({ ...BASE, ...changes })).toBe(delayMs);
  });

  it('spreads over the whole range, from 0 to below the ceiling', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const delayMs = nextDelayMs({ ...BASE, failures, random });
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThan(Math.min(60_000, 1000 * 2 ** Math.max(0, failures - 1)));
        },
      ),
    );
  });
});
