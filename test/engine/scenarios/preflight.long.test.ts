import { describe, expect, it } from 'vitest';
import { deployed, isRefused } from './preflight-scene.ts';
import { containersOf, onlyContainer } from './scene.ts';

describe('a stop-first switch', () => {
  // The engine looks for a plugin of that name for a quarter of a minute.
  it('is refused with the words of the engine for an unknown log driver, and stops nothing', async () => {
    const scene = await deployed();
    const before = await onlyContainer(scene);
    await isRefused(scene, 'logging: { driver: nosuch }', /nosuch/);
    expect(await containersOf(scene)).toEqual([before]);
  });
});
