import { describe, expect, it } from 'vitest';
import { untilAnswers } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { createSmallDisk } from './full-disk-scene.ts';
import { containersOf, createScene, onlyContainer, SOON_BAD, statusOf, told } from './scene.ts';

describe('a full state disk', () => {
  it('does not keep a rollback from happening', async () => {
    const scene = await createScene();
    const { stateDir, fill, free } = await createSmallDisk(scene);
    const env = { SUPERCARGO_STATE_DIR: stateDir };
    const old = await scene.push('1.0.0');
    await scene.compose(scene.web([scene.ports, SOON_BAD]));
    await scene.publish({ web: old.pinned });
    await scene.agent({ env });
    await untilAnswers(scene.port, '1.0.0');
    await eventually(async () => (await scene.run(['status'])).code === 0, {
      describe: async () => told(await scene.run(['status'])),
    });
    await scene.publish({ web: (await scene.push('1.1.0', flavours.unhealthy)).pinned });
    await eventually(
      async () => (await containersOf(scene)).some((c) => c.version === '1.1.0' && c.state === 'running'),
      {
        describe: async () => told(await scene.run(['status'])),
      },
    );
    await fill();
    await untilAnswers(scene.port, '1.0.0');
    await eventually(async () => (await statusOf(scene)).status.services[0]?.outcome === 'rolled-back', {
      describe: async () => told(await scene.run(['status'])),
    });
    expect((await scene.run(['status'])).code).toBe(3);
    expect(await onlyContainer(scene)).toMatchObject({ version: '1.0.0', state: 'running' });
    await free();
  });
});
