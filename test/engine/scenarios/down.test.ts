import { describe, expect, it } from 'vitest';
import { flavours } from '../../support/flavours.ts';
import { containersOf, statusOf } from './scene.ts';
import { followed, settled } from './unproved-scene.ts';

describe('a bad version that follows a first one which has not proved itself', () => {
  it('leaves nothing where the first one never answers: the service is down', async () => {
    const scene = await followed(flavours.neverHealthy, flavours.crash);
    const web = await settled(scene, 'blocked');
    expect([web.reason, web.rolledBack, web.containers]).toEqual(['down', null, []]);
    expect(web.message).toMatch(/^nothing serves: 1\.0\.1 failed here/);
    expect((await statusOf(scene)).code).toBe(3);
    expect(await containersOf(scene)).toEqual([]);
  });
});
