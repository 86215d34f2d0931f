import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import { runCommand } from '../../support/command.ts';
import { type Machine, startMachine } from '../../support/fleet-machine.ts';
import { statusAt } from '../../support/health-watch.ts';
import { eventually } from '../../support/poll.ts';
import { createHealthScene, type HealthScene } from './out-of-service-scene.ts';
import { assertCode, containersOf, statusOf, told } from './scene.ts';
import { eventsOf } from './start-first-scene.ts';

export interface Ground {
  readonly scene: HealthScene;
  /** Undefined: the engine that the run shares. */
  readonly machine: Machine | undefined;
  agent: Agent;
}

export interface Victim {
  readonly name: string;
  readonly needsMachine?: true;
  /** Resolves once it is back, or comes back by itself. */
  readonly kill: (ground: Ground) => Promise<void>;
  /** No stopped service is ever called healthy meanwhile. */
  readonly isTrueThroughout?: true;
  /** Resolves once another death is like the first. */
  readonly recover?: (ground: Ground) => Promise<void>;
  /** What an operator does about a service that is blocked by the engine's own fault. */
  readonly unblock?: (ground: Ground) => Promise<void>;
}

/** Some twelve steps, each with a death and its end. */
const MANY_DEATHS_MS = 600_000;

interface Course {
  readonly course: string;
  /** Brings the host to where the course begins. */
  readonly prepare: (scene: HealthScene) => Promise<void>;
  readonly begin: (scene: HealthScene, tag: string) => Promise<void>;
  /** Its last step: a death after it would be one of a host at rest. */
  readonly lastEvent: string;
}

const drain = async (scene: HealthScene, ...args: readonly string[]): Promise<void> =>
  assertCode(await scene.run(['drain', '--reason', 'kernel', ...args]), 0);
const undrain = async (scene: HealthScene, ...args: readonly string[]): Promise<void> =>
  assertCode(await scene.run(['undrain', ...args]), 0);

const COURSES: readonly Course[] = [
  {
    course: 'a drain',
    prepare: undrain,
    begin: async (scene) => drain(scene, '--no-wait'),
    lastEvent: 'container.stopped',
  },
  {
    course: 'an undrain',
    prepare: drain,
    begin: async (scene) => undrain(scene, '--no-wait'),
    lastEvent: 'health.answered',
  },
  {
    course: 'a switch with a lead',
    prepare: async () => Promise.resolve(),
    begin: async (scene, tag) => scene.publishWeb(tag),
    lastEvent: 'container.removed',
  },
];

/** In the network of the engine. */
const heardAt = async ({ scene, machine }: Ground, path: string): Promise<number> => {
  if (!machine) return statusAt(scene.healthPort, path);
  const url = `http://127.0.0.1:${String(scene.healthPort)}${path}`;
  const words = ['busybox', 'wget', '-q', '-O', '/dev/null', url];
  const { code, stderr } = await runCommand(machine.launcher, words);
  return code === 0 ? 200 : Number(/HTTP\/1\.[01] (\d{3})/.exec(stderr)?.[1] ?? 0);
};

/** What must be the same whether anything was killed or not; container ids and times may differ. */
const endState = async (ground: Ground, tag: string): Promise<unknown> => {
  const { scene } = ground;
  const { status } = await statusOf(scene);
  const state = {
    containers: (await containersOf(scene)).map((c) => [c.name, c.version, c.state, c.restart]),
    services: status.services.map((s) => [s.service, s.outcome, s.reason, s.serves]),
    drained: status.draining?.done ?? null,
    heard: [await heardAt(ground, '/web'), await heardAt(ground, '/')],
  };
  return JSON.parse(
    JSON.stringify(state)
      .replaceAll(tag, 'TAG')
      .replaceAll(/-(web-\d)-[0-9a-f]{8}/g, '-$1')
      .replaceAll(/-edge-[a-z0-9]+/g, '-edge'),
  );
};

const isBlockedByEngine = async ({ scene }: Ground): Promise<boolean> =>
  (await statusOf(scene)).status.services.some(
    ({ outcome, reason }) => outcome === 'blocked' && (reason === 'port' || reason === 'engine'),
  );

const begun = async (ground: Ground, { prepare, begin }: Course, tag: string) => {
  await prepare(ground.scene);
  const before = (await eventsOf(ground.scene)).length;
  await begin(ground.scene, tag);
  return async (): Promise<readonly string[]> => (await eventsOf(ground.scene)).slice(before);
};

/** The steps of a course that nothing disturbs, and where it ends. */
const undisturbed = async (ground: Ground, course: Course) => {
  const steps = await begun(ground, course, '1.1.0');
  await eventually(async () => (await steps()).includes(course.lastEvent), {
    describe: async () => `${course.lastEvent}; so far ${(await steps()).join(', ')}`,
  });
  await ground.scene.run(['sync', '--wait']);
  return { steps: await steps(), state: await endState(ground, '1.1.0') };
};

/** One death of one victim, after so many steps of a course. */
const suffer = async (
  ground: Ground,
  { kill, recover, unblock }: Victim,
  course: Course,
  { count, state }: { readonly count: number; readonly state: unknown },
): Promise<void> => {
  const { scene } = ground;
  const tag = `1.${String(count + 1)}.0`;
  await recover?.(ground);
  const taken = await begun(ground, course, tag);
  await eventually(async () => (await taken()).length >= count, {
    everyMs: 1,
    describe: async () => `step ${String(count)}; so far ${(await taken()).join(', ')}`,
  });
  await kill(ground);
  const isSo = async (): Promise<boolean> => {
    if (unblock && (await isBlockedByEngine(ground))) await unblock(ground);
    return JSON.stringify(await endState(ground, tag)) === JSON.stringify(state);
  };
  await eventually(isSo, {
    deadlineMs: 60_000,
    everyMs: 100,
    describe: async () =>
      `after step ${String(count)}: ${JSON.stringify(await endState(ground, tag))} ` +
      `is ${JSON.stringify(state)}; ${told(await scene.run(['status']))}`,
  });
};

/** Tests that a host which goes out of service, comes back, or switches ends as without the deaths. */
export const killAtEveryStep = (victim: Victim): void => {
  describe(`a host whose ${victim.name} is killed by SIGKILL after every step`, () => {
    it.each(COURSES)(
      'of $course ends as without',
      async (course) => {
        const registryPort = Number(inject('registry').address.split(':')[1]);
        const machine = victim.needsMachine ? await startMachine([registryPort]) : undefined;
        if (machine) onTestFinished(machine.remove);
        const scene = await createHealthScene(machine);
        const ground: Ground = { scene, machine, agent: await scene.agent() };
        const { steps, state } = await undisturbed(ground, course);
        const last = steps.lastIndexOf(course.lastEvent) + 1;
        const watch = victim.isTrueThroughout ? scene.watch() : undefined;
        for (let count = 1; count <= last; count += 1) await suffer(ground, victim, course, { count, state });
        await watch?.stop();
        expect(watch?.lies ?? []).toEqual([]);
      },
      MANY_DEATHS_MS,
    );
  });
};
