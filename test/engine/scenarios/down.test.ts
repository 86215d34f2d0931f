import { describe, expect, it } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { tryAnswer } from '../../support/answer.ts';
import { flavours, slowStart, type Flavour } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { containersOf, createScene, runningIn, statusOf, type Scene } from './scene.ts';

const webOf = async (scene: Scene): Promise<Status['services'][number] | undefined> =>
  (await statusOf(scene)).status.services[0];

/** A daemon, a first version that was just started, and another one that is published at once. */
const followed = async (first: Flavour, second: Flavour): Promise<Scene> => {
  const scene = await createScene();
  await scene.compose(scene.web([scene.ports, 'x-supercargo: {healthy-within: 8s}']));
  const [one, two] = [await scene.push('1.0.0', first), await scene.push('1.0.1', second)];
  await scene.publish({ web: one.pinned });
  await scene.agent();
  const describeNow = async (): Promise<string> => (await runningIn(scene)).join(', ');
  await eventually(async () => (await runningIn(scene)).includes('web 1.0.0 running'), {
    describe: describeNow,
  });
  expect((await webOf(scene))?.containers.map((c) => c.role)).toEqual(['candidate']);
  await scene.publish({ web: two.pinned });
  return scene;
};

const settled = async (scene: Scene, outcome: string): Promise<Status['services'][number]> =>
  eventually(
    async () => {
      const web = await webOf(scene);
      expect(
        web?.containers.some((c) => c.version === '1.0.0' && c.role === 'serving') && outcome === 'blocked',
      ).not.toBe(true);
      return web?.outcome === outcome ? web : undefined;
    },
    { describe: async () => JSON.stringify(await webOf(scene)) },
  );

describe('a bad version that follows a first one which has not proved itself', () => {
  it('leaves nothing where the first one never answers: the service is down', async () => {
    const scene = await followed(flavours.neverHealthy, flavours.crash);
    const web = await settled(scene, 'blocked');
    expect([web.reason, web.rolledBack, web.containers]).toEqual(['down', null, []]);
    expect(web.message).toMatch(/^nothing serves: 1\.0\.1 failed here/);
    expect((await statusOf(scene)).code).toBe(3);
    expect(await containersOf(scene)).toEqual([]);
  });

  it('leaves the first one to serve where that is good in its own time', async () => {
    const scene = await followed(slowStart(4), flavours.crash);
    const web = await settled(scene, 'rolled-back');
    expect(web.rolledBack).toEqual({ from: '1.0.1', to: '1.0.0' });
    expect(web.containers.map((c) => `${c.version} ${c.role}`)).toEqual(['1.0.0 serving']);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});
