import { expect } from 'vitest';
import { untilAnswers } from '../../support/answer.ts';
import { slowStart } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { containersOf, createScene, type Scene, statusOf, told } from './scene.ts';

export const untilStatus = async (scene: Scene, code: number): Promise<void> => {
  await eventually(async () => (await scene.run(['status'])).code === code, {
    deadlineMs: 20_000,
    describe: async () => `status ends with ${String(code)}; it says\n${told(await scene.run(['status']))}`,
  });
};

/** A daemon with `web` 1.0.0, converged. */
export const running = async (lines?: readonly string[]) => {
  const scene = await createScene();
  const image = await scene.push('1.0.0');
  await scene.compose(scene.web(lines));
  await scene.publish({ web: image.pinned });
  const agent = await scene.agent();
  await untilAnswers(scene.port, '1.0.0');
  await untilStatus(scene, 0);
  return { scene, agent, image };
};

/** The exit code of `sync --wait`. */
export const synced = async (scene: Scene): Promise<number | null> =>
  (await scene.run(['sync', '--wait'])).code;

/** Publishes 1.1.0, kills the agent at this moment and starts another one: it ends what was begun. */
export const killedWhen = async (isReached: (versions: readonly string[]) => boolean): Promise<void> => {
  const { scene, agent } = await running();
  await scene.publish({ web: (await scene.push('1.1.0', slowStart(1))).pinned });
  await eventually(async () => isReached((await containersOf(scene)).map((c) => `${c.version} ${c.state}`)), {
    everyMs: 1,
    describe: async () => told(await scene.run(['status'])),
  });
  await agent.kill();
  await scene.agent();
  await untilAnswers(scene.port, '1.1.0');
  await untilStatus(scene, 0);
  expect(await containersOf(scene)).toMatchObject([
    { version: '1.1.0', state: 'running', restart: 'unless-stopped' },
  ]);
  const { status } = await statusOf(scene);
  expect(status.services).toMatchObject([{ outcome: 'converged', failure: null }]);
};
