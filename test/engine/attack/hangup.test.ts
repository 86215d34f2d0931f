import { expect, it } from 'vitest';
import { isAlive } from '../../support/pids.ts';
import { eventually } from '../../support/poll.ts';
import { createScene } from '../scenarios/scene.ts';

const ROUNDS = 12;

it('SIGHUP never ends the agent: not while it starts, works, closes, or between two lives', async () => {
  const scene = await createScene();
  await scene.compose(scene.web());
  const agent = await scene.agent();
  const reloads = async (): Promise<number> => (await agent.log()).split('agent.reloaded').length - 1;
  for (let round = 1; round <= ROUNDS; round += 1) {
    // The next one comes as soon as the last life has ended, while the new one opens.
    process.kill(agent.pid, 'SIGHUP');
    await eventually(async () => !isAlive(agent.pid) || (await reloads()) >= round, {
      everyMs: 1,
      describe: agent.log,
    });
  }
  await agent.ready(async () => (await scene.run(['status'])).code);
  expect({
    code: await agent.stop(),
    faults: (await agent.log()).split('\n').filter((l) => /INTERNAL|aborted/.test(l)),
  }).toEqual({
    code: 0,
    faults: [],
  });
});
