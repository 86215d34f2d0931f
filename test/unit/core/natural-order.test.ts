import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareNaturally, naturalKey } from '../../../src/core/natural-order.ts';

describe('the natural order of names', () => {
  it.each([
    [
      ['web-10', 'web-2', 'web-1'],
      ['web-1', 'web-2', 'web-10'],
    ],
    [
      ['b', 'a10', 'a9', 'a'],
      ['a', 'a9', 'a10', 'b'],
    ],
    [
      ['rack2-web1', 'rack10-web1', 'rack2-web10', 'rack2-web9'],
      ['rack2-web1', 'rack2-web9', 'rack2-web10', 'rack10-web1'],
    ],
    [
      ['web-9007199254740993', 'web-9007199254740992'],
      ['web-9007199254740992', 'web-9007199254740993'],
    ],
    [
      ['web-2.example.com', 'web-2'],
      ['web-2', 'web-2.example.com'],
    ],
    [
      ['web-01', 'web-1', 'web-001'],
      ['web-001', 'web-01', 'web-1'],
    ],
  ])('of %j', (names, sorted) => {
    expect(names.toSorted(compareNaturally)).toEqual(sorted);
  });

  it('is one order: whatever the list came as, it is sorted in the same way', () => {
    const name = fc.stringMatching(/^[a-b0-2.-]{0,6}$/);
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), (names) => {
        const sorted = names.toSorted(compareNaturally);
        expect(names.toReversed().toSorted(compareNaturally)).toEqual(sorted);
        for (const a of names) for (const b of names) expect(compareNaturally(a, b) === 0).toBe(a === b);
      }),
    );
  });

  it('is that of keys which are made once', () => {
    const name = fc.stringMatching(/^[a-b0-2.-]{0,8}$/);
    fc.assert(
      fc.property(name, name, (a, b) => {
        const [x, y] = [naturalKey(a), naturalKey(b)];
        expect(Math.sign(x < y ? -1 : Number(x > y))).toBe(Math.sign(compareNaturally(a, b)));
      }),
      { numRuns: 2000 },
    );
  });
});
