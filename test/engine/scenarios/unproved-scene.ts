import { expect } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import type { Flavour } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { createScene, runningIn, statusOf, type Scene } from './scene.ts';

const webOf = async (scene: Scene): Promise<Status['services'][number] | undefined> =>
  (await statusOf(scene)).status.services[0];

/** A daemon, a first version that was just started, and another one that is published at once. */
export const followed = async (first: Flavour, second: Flavour): Promise<Scene> => {
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

export const settled = async (scene: Scene, outcome: string): Promise<Status['services'][number]> =>
  eventually(
    async () => {
      const web = await webOf(scene);
      expect(
        web?.containers.some((c) => c.version === '1.0.0' && c.role === 'serving') && outcome === 'blocked',
      ).not.toBe(true);
      return web?.outcome === outcome && web.containers.every((c) => c.role === 'serving') ? web : undefined;
    },
    { describe: async () => JSON.stringify(await webOf(scene)) },
  );
