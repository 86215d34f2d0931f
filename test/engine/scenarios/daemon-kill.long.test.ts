import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryAnswer, untilAnswers } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { killedWhen, running, untilStatus } from './daemon-scene.ts';
import { containersOf, onlyContainer, told } from './scene.ts';

describe('invariant 5: an agent that was killed', () => {
  it.each([
    ['before the new container', (versions: readonly string[]) => versions.length === 1],
    ['once the new container exists', (versions: readonly string[]) => versions.length === 2],
    [
      'while the new container is judged',
      (versions: readonly string[]) => versions.includes('1.1.0 running'),
    ],
  ])('%s ends in the same state as one that was not', async (_when, isReached) => {
    expect.hasAssertions();
    await killedWhen(isReached);
  });

  it('in the middle of a rollback ends in the same state as one that was not', async () => {
    const { scene, agent } = await running();
    await scene.publish({ web: (await scene.push('1.1.0', flavours.crash)).pinned });
    await eventually(
      async () => /quarantined/.test(await readFile(join(scene.stateDir, 'history.jsonl'), 'utf8')),
      {
        everyMs: 5,
        describe: async () => told(await scene.run(['status'])),
      },
    );
    await agent.kill();
    await scene.agent();
    await untilAnswers(scene.port, '1.0.0');
    await untilStatus(scene, 3);
    await eventually(async () => (await containersOf(scene)).length === 1, {
      describe: async () => told(await scene.run(['status'])),
    });
    expect(await onlyContainer(scene)).toMatchObject({
      version: '1.0.0',
      state: 'running',
      restart: 'unless-stopped',
    });
  });
});

describe('a second agent', () => {
  it('may be of another environment, beside it', async () => {
    const { scene } = await running();
    const other = await running();
    await scene.publish({ web: (await scene.push('1.1.0')).pinned });
    await untilAnswers(scene.port, '1.1.0');
    expect(await tryAnswer(other.scene.port)).toBe('1.0.0');
  });
});
