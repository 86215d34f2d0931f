import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { flavours, slowStart } from '../../support/flavours.ts';
import { followed, settled } from './unproved-scene.ts';

describe('a bad version that follows a first one which has not proved itself', () => {
  it('leaves the first one to serve where that is good in its own time', async () => {
    const scene = await followed(slowStart(4), flavours.crash);
    const web = await settled(scene, 'rolled-back');
    expect(web.rolledBack).toEqual({ from: '1.0.1', to: '1.0.0' });
    expect(web.containers.map((c) => `${c.version} ${c.role}`)).toEqual(['1.0.0 serving']);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});
