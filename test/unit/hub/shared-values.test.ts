import { describe, expect, it } from 'vitest';
import { createSharedValues } from '../../../src/hub/fleet/shared-values.ts';

const long = (text: string): string => text.repeat(100);
const service = (name: string) => ({ service: name, message: long('m'), failure: null, log: [long('l')] });

describe('equal values', () => {
  it('are one object, and so are equal parts of values that differ', () => {
    const share = createSharedValues();
    const first = share({ outcome: 'converged', services: [service('a'), service('b')] });
    expect(first).toEqual({ outcome: 'converged', services: [service('a'), service('b')] });
    expect(share({ outcome: 'converged', services: [service('a'), service('b')] })).toBe(first);
    const other = share({ outcome: 'blocked', services: [service('a'), service('c')] });
    expect(other).toEqual({ outcome: 'blocked', services: [service('a'), service('c')] });
    expect(other.services[0]).toBe(first.services[0]);
    expect(other.services[1]).not.toBe(first.services[1]);
  });

  it('are forgotten once many others came since, and kept while they come again', () => {
    const share = createSharedValues(10);
    const [kept, lost] = [share({ name: 'kept' }), share({ name: 'lost' })];
    for (let other = 0; other < 30; other += 1) {
      share({ other });
      expect(share({ name: 'kept' })).toBe(kept);
    }
    expect(share({ name: 'lost' })).toEqual(lost);
    expect(share({ name: 'lost' })).not.toBe(lost);
  });
});
