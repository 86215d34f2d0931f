import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { containersOf, createScene, deployed, type Scene, statusOf, told } from './scene.ts';

/** The history's lines so far: each says that one step is done. */
const steps = async (scene: Scene): Promise<readonly string[]> => {
  const text = await readFile(join(scene.stateDir, 'history.jsonl'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { event: string }).event]));
};

/** What must be the same whether the agent was killed or not; container ids and times may differ. */
const endState = async (scene: Scene): Promise<unknown> => {
  const { status } = await statusOf(scene);
  return {
    containers: (await containersOf(scene)).map((c) => [c.name, c.version, c.state, c.restart]),
    outcome: status.services.map((s) => [s.service, s.outcome, s.failure?.reason ?? null]),
    answers: await tryAnswer(scene.port),
  };
};

const settled = async (scene: Scene): Promise<unknown> => {
  const synced = await scene.run(['sync', '--wait']);
  if (synced.code !== 0 && synced.code !== 3) throw new Error(told(synced));
  return endState(scene);
};

/** Names and versions differ from deploy to deploy; nothing else may. */
const normalised = (state: unknown, version: string): unknown =>
  JSON.parse(
    JSON.stringify(state)
      .replaceAll(version, 'NEXT')
      .replaceAll(/-web-1-[0-9a-f]{8}/g, '-web-1'),
  );

/** Publishes the next version and kills the agent once it has taken `count` steps; another one ends what was begun. */
const deploy = async (
  scene: Scene,
  round: { count: number | undefined; version: string; isBad: boolean },
): Promise<{ state: unknown; steps: readonly string[] }> => {
  const { count, version, isBad } = round;
  const image = await scene.push(version, isBad ? flavours.crash : flavours.healthy);
  let agent = await scene.agent();
  const before = (await steps(scene)).length;
  const taken = async (): Promise<readonly string[]> => (await steps(scene)).slice(before);
  await scene.publish({ web: image.pinned });
  if (count !== undefined) {
    await eventually(async () => (await taken()).length >= count, {
      everyMs: 1,
      describe: async () => `step ${String(count)}; so far ${(await taken()).join(', ')}`,
    });
    await agent.kill();
    agent = await scene.agent();
  }
  const state = await settled(scene);
  await agent.stop();
  return { state: normalised(state, version), steps: await taken() };
};

describe('invariant 5: killing the agent at any moment, and starting it again, ends in the same state as not killing it', () => {
  it.each([
    ['a version change', false],
    ['a rollback', true],
  ] as const)(
    'after every step of %s',
    async (_what, isBad) => {
      const scene = await createScene();
      await deployed(scene);
      const undisturbed = await deploy(scene, { count: undefined, version: '1.1.0', isBad });
      const last = undisturbed.steps.indexOf('container.removed') + 1;
      expect(last).toBeGreaterThan(6);
      // Up to its start a bad version is like a good one.
      const first = isBad ? undisturbed.steps.indexOf('container.started') + 1 : 1;
      for (let count = first; count <= last; count += 1) {
        const { state } = await deploy(scene, { count, version: `1.${String(count + 1)}.0`, isBad });
        expect({ count, state }).toEqual({ count, state: undisturbed.state });
      }
    },
    300_000,
  );
});
