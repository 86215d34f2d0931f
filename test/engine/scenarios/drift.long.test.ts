import { describe, expect, it } from 'vitest';
import { arePutBack, type Drift } from './drift-scene.ts';

const DRIFTS: readonly Drift[] = [
  { what: 'killed', make: (c) => c.kill(), plan: /start .*it was stopped/, keeps: 'container' },
  {
    what: 'renamed',
    make: (c, { environment }) => c.rename({ name: `${environment}-by-hand` }),
    plan: /rename .*-by-hand to .*-web-1-/,
    keeps: 'process',
  },
  {
    what: 'given another memory limit',
    make: (c) => c.update({ Memory: 64 * 1024 ** 2, MemorySwap: -1 }),
    plan: /limit .*put back what was changed by hand/,
    keeps: 'process',
  },
];

describe('a container that somebody', () => {
  it(`${DRIFTS.map(({ what }) => what).join(', ')} by hand is put back`, async () => {
    expect.hasAssertions();
    await arePutBack(DRIFTS);
  }, 300_000);
});
