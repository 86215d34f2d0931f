import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { runCommand } from '../../support/command.ts';
import { type Flavour, flavours } from '../../support/flavours.ts';
import { loadApp } from '../../support/load-app.ts';
import { startMachine } from '../../support/fleet-machine.ts';
import { edgesOf, serversOf } from '../../support/load-edge.ts';
import { failuresOf, NO_FAILURES } from '../../support/load.ts';
import { eventually } from '../../support/poll.ts';
import { assertCode, containersOf, type Scene, statusOf } from './scene.ts';
import {
  appsOf,
  behindEdge,
  createEdgeScene,
  deployedBehindEdge,
  eventsOf,
  loadFromBothSides,
  publishApp,
} from './start-first-scene.ts';

const program = join(import.meta.dirname, 'start-first-dying-agent.ts');

/** More than any deploy here has. */
const MANY = 100;

/** The steps after which an agent died, until one found nothing left to do. */
const dieAfterEveryStep = async (scene: Scene): Promise<readonly string[]> => {
  const steps: string[] = [];
  while (steps.length < MANY) {
    const { code, signal, stdout, stderr } = await runCommand(process.execPath, [program], {
      env: scene.env,
    });
    if (signal === null) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return steps;
    }
    steps.push(stdout);
  }
  throw new Error(`no end after ${steps.join(', ')}`);
};

/** What must be the same whether agents died or not; container ids and times may differ. */
const endState = async (scene: Scene, version: string): Promise<unknown> => {
  const { status } = await statusOf(scene);
  const state = {
    containers: (await containersOf(scene)).map((c) => [c.name, c.version, c.state, c.restart]),
    outcome: status.services.map((s) => [s.service, s.outcome, s.failure?.reason ?? null]),
  };
  return JSON.parse(
    JSON.stringify(state)
      .replaceAll(version, 'NEXT')
      .replaceAll(/-(web-\d)-[0-9a-f]{8}/g, '-$1'),
  );
};

/** An agent is started, and dies, some twenty times; this is when to give up. */
const MANY_LIVES_MS = 400_000;

describe('invariants 1, 5: behind the edge, an agent that dies after every step', () => {
  it.each<readonly [string, Flavour, number]>([
    ['a deploy', loadApp, 2],
    ['a rollback', flavours.crash, 1],
  ])(
    'of %s loses no request, and ends where one that lives does',
    async (_what, flavour, replicas) => {
      const scene = await createEdgeScene();
      await deployedBehindEdge(scene, behindEdge(scene, { replicas }));
      await publishApp(scene, '1.1.0', flavour);
      await scene.once();
      const undisturbed = await endState(scene, '1.1.0');
      const load = await loadFromBothSides(scene.port);
      await publishApp(scene, '1.2.0', flavour);
      expect((await dieAfterEveryStep(scene)).length).toBeGreaterThan(8);
      const report = await load.stop();
      expect(failuresOf(report)).toEqual(NO_FAILURES);
      expect(await endState(scene, '1.2.0')).toEqual(undisturbed);
    },
    MANY_LIVES_MS,
  );
});

/** Publishes a version, and resolves when the running agent has told of this event since. */
const deployUntil = async (scene: Scene, tag: string, event: string): Promise<void> => {
  const before = (await eventsOf(scene)).length;
  await publishApp(scene, tag);
  const since = async (): Promise<readonly string[]> => (await eventsOf(scene)).slice(before);
  await eventually(async () => (await since()).includes(event), {
    deadlineMs: 20_000,
    everyMs: 2,
    describe: async () => `${event}; so far ${(await since()).join(', ')}`,
  });
};

const assertRotation = async (scene: Scene, tag: string): Promise<void> => {
  expect(await appsOf(scene)).toEqual([`web ${tag} running`, `web ${tag} running`]);
  expect((await serversOf(scene)).map((s) => `${s.backend} ${s.admin}`)).toEqual([
    'web:8888 ready',
    'web:8888 ready',
  ]);
};

const assertServing = async (scene: Scene, tag: string): Promise<void> => {
  expect(await tryAnswer(scene.port)).toBe(tag);
  await assertRotation(scene, tag);
};

const settle = async (scene: Scene): Promise<void> => assertCode(await scene.run(['sync', '--wait']), 0);

describe('an edge that is killed', () => {
  it('comes back by itself at any moment of a deploy, which ends as without; the next one loses no request', async () => {
    const scene = await createEdgeScene();
    await deployedBehindEdge(scene);
    await scene.agent();
    const moments = ['server.added', 'container.draining'];
    for (const [index, event] of moments.entries()) {
      const tag = `1.${String(index + 1)}.0`;
      await deployUntil(scene, tag, event);
      for (const { id } of await edgesOf(scene)) {
        const { State } = await scene.docker.getContainer(id).inspect();
        // Not by the engine: what it kills itself it does not start again.
        process.kill(State.Pid, 'SIGKILL');
      }
      await settle(scene);
      await assertServing(scene, tag);
    }
    const load = await loadFromBothSides(scene.port);
    await publishApp(scene, '2.0.0');
    await settle(scene);
    expect(failuresOf(await load.stop())).toEqual(NO_FAILURES);
    await assertServing(scene, '2.0.0');
  });
});

describe('an engine that is restarted', () => {
  it('in the middle of a deploy serves again by itself, and the deploy ends', async () => {
    // Of its own: others use the shared one at the same time.
    const machine = await startMachine([Number(inject('registry').address.split(':')[1])]);
    onTestFinished(machine.remove);
    const scene = await createEdgeScene(machine);
    await deployedBehindEdge(scene);
    await scene.agent();
    const ask = async (): Promise<string> => {
      const url = `http://127.0.0.1:${String(scene.port)}/`;
      return (await runCommand(machine.launcher, ['busybox', 'wget', '-q', '-O', '-', url])).stdout;
    };
    for (const [index, event] of ['container.started', 'container.draining'].entries()) {
      const tag = `1.${String(index + 1)}.0`;
      await deployUntil(scene, tag, event);
      await machine.restartEngine();
      const answered = eventually(async () => (await ask()) !== '', {
        describe: async () => `port ${String(scene.port)} answers; ${(await scene.run(['status'])).stdout}`,
      });
      await expect(answered).resolves.toBe(true);
      await settle(scene);
      expect(await ask()).toBe(tag);
      await assertRotation(scene, tag);
    }
  });
});
