import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { containersOf, createScene, type Scene, statusOf, told } from '../engine/scenarios/scene.ts';
import { runCommand } from '../support/command.ts';
import { type Machine, startMachine } from '../support/fleet-machine.ts';
import { flavours } from '../support/flavours.ts';
import { isAlive, readPid } from '../support/pids.ts';
import { eventually } from '../support/poll.ts';
import { isWhole } from './moments.ts';
import { DISK_MB, fill, fillDisk, freeDisk } from './small-disk.ts';
import type { FaultName } from './table.ts';

/** A machine whose engine nobody else needs, with a small disk. */
const place: { machine: Machine | undefined } = { machine: undefined };

beforeAll(async () => {
  const port = Number(inject('registry').address.split(':')[1]);
  place.machine = await startMachine([port], { diskMegabytes: DISK_MB });
});
afterAll(async () => place.machine?.remove());

interface Ground {
  readonly machine: Machine;
  readonly scene: Scene;
}

interface Row {
  readonly fault: FaultName;
  readonly by: string;
  readonly begin: (ground: Ground) => Promise<unknown>;
  readonly told?: RegExp;
  readonly end?: (ground: Ground) => Promise<unknown>;
  readonly quick?: boolean;
}

const toEngine = async ({ machine }: Ground, signal: NodeJS.Signals): Promise<number> => {
  const pid = readPid(join(machine.engineFolder, 'docker.pid'));
  if (pid === undefined) throw new Error('the engine has no pid');
  process.kill(pid, signal);
  return Promise.resolve(pid);
};

/** As `docker system prune -af`. */
const prune = async ({ machine: { docker } }: Ground): Promise<void> => {
  await docker.pruneContainers();
  await docker.pruneNetworks();
  await docker.pruneImages({ filters: { dangling: { false: true } } });
};

/** As often as it takes: the agent may be quicker than the second command, and connect the container again. */
const removeNetwork = async ({ machine: { docker }, scene }: Ground): Promise<void> => {
  const network = docker.getNetwork(`${scene.environment}_default`);
  const isRemoved = async (): Promise<boolean> => {
    const left = (await containersOf(scene)).map(async ({ id }) =>
      network.disconnect({ Container: id, Force: true }),
    );
    await Promise.allSettled(left);
    return network.remove().then(
      () => true,
      () => false,
    );
  };
  await eventually(isRemoved, { describe: () => 'the network is removed', everyMs: 1 });
};

const ROWS: readonly Row[] = [
  {
    fault: 'engine-killed',
    by: 'SIGKILL',
    begin: async (ground) => {
      const pid = await toEngine(ground, 'SIGKILL');
      await eventually(() => !isAlive(pid), {
        describe: () => 'dockerd ended',
      });
    },
    told: /"outcome":"offline"/,
    end: ({ machine }) => machine.startEngine(),
  },
  {
    fault: 'engine-stopped',
    by: 'SIGSTOP for longer than anybody waits for an answer',
    begin: (ground) => toEngine(ground, 'SIGSTOP'),
    told: /"outcome":"offline"/,
    end: (ground) => toEngine(ground, 'SIGCONT'),
  },
  {
    fault: 'engine-full',
    by: 'a disk without a free byte',
    begin: ({ machine }) => fillDisk(machine),
    told: /"reason":"disk"/,
    end: ({ machine }) => freeDisk(machine),
    quick: true,
  },
  { fault: 'hand-network', by: 'disconnect and rm', begin: removeNetwork, quick: true },
  { fault: 'hand-pruned', by: 'while all runs', begin: prune },
];

const expectTold = async (scene: Scene, words: RegExp): Promise<void> => {
  const document = async (): Promise<string> => JSON.stringify((await statusOf(scene)).status);
  await eventually(async () => words.test(await document()), {
    deadlineMs: 90_000,
    describe: async () => `${String(words)} in ${await document()}`,
  });
};

const untilConverged = async (scene: Scene, version: string): Promise<void> => {
  await eventually(
    async () => {
      const { status } = await statusOf(scene);
      const all = (await containersOf(scene)).map((c) => `${c.service} ${c.version} ${c.state}`);
      return status.outcome === 'converged' && all.join() === `web ${version} running`;
    },
    {
      deadlineMs: 120_000,
      everyMs: 250,
      describe: async () => `${version}: ${told(await scene.run(['status']))}`,
    },
  );
};

describe('a host whose engine fails', () => {
  it.each(ROWS.filter((row) => isWhole || row.quick === true))(
    '$fault ($by) before a deploy, and while nothing is to do: it ends as without',
    async ({ begin, told: words, end }) => {
      const { machine } = place;
      if (!machine) throw new Error('there is no machine');
      const { dockerHost, launcher } = machine;
      const scene = await createScene({ dockerHost, docker: machine.docker, launcher });
      const ground: Ground = { machine, scene };
      await scene.compose(scene.web());
      await scene.publish({ web: (await scene.push('1.0.0')).pinned });
      await scene.agent();
      await untilConverged(scene, '1.0.0');
      await begin(ground);
      await scene.publish({ web: (await scene.push('1.1.0')).pinned });
      if (words) await expectTold(scene, words);
      await end?.(ground);
      await untilConverged(scene, '1.1.0');
      // Once more, with nothing to do.
      await begin(ground);
      await end?.(ground);
      await untilConverged(scene, '1.1.0');
      expect((await scene.run(['status'])).code).toBe(0);
    },
    400_000,
  );
});

/** The state folder on a disk of its own. */
const mountState = async ({ stateDir }: Scene): Promise<void> => {
  const { code, stderr } = await runCommand('mount', [
    '-t',
    'tmpfs',
    '-o',
    'size=512k,mode=700',
    'tmpfs',
    stateDir,
  ]);
  if (code !== 0) throw new Error(`mount: ${stderr}`);
  onTestFinished(async () => void (await runCommand('umount', ['--lazy', stateDir])));
};

const remount = async ({ stateDir }: Scene, how: 'ro' | 'rw'): Promise<void> => {
  const { code, stderr } = await runCommand('mount', ['-o', `remount,${how}`, stateDir]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
};

describe('a state folder that cannot be written', () => {
  it.each([
    [
      'state-full',
      (scene: Scene) => fill(join(scene.stateDir, 'ballast')),
      (scene: Scene) => rm(join(scene.stateDir, 'ballast')),
    ],
    ['state-readonly', (scene: Scene) => remount(scene, 'ro'), (scene: Scene) => remount(scene, 'rw')],
  ] as const)(
    '%s: nothing new is accepted, drift is repaired, and it goes on when it can',
    async (_fault, begin, end) => {
      const scene = await createScene();
      await mountState(scene);
      await scene.compose(scene.web());
      await scene.publish({ web: (await scene.push('1.0.0')).pinned });
      await scene.agent();
      await untilConverged(scene, '1.0.0');
      await begin(scene);
      await scene.publish({ web: (await scene.push('1.1.0', flavours.healthy)).pinned });
      await expectTold(scene, /cannot write [^"]*ledger\.json/);
      const [old] = await containersOf(scene);
      await scene.docker.getContainer(old?.id ?? '').remove({ force: true });
      await eventually(
        async () =>
          (await containersOf(scene)).map((c) => `${c.version} ${c.state}`).join() === '1.0.0 running',
        {
          describe: async () => told(await scene.run(['status'])),
        },
      );
      await end(scene);
      await untilConverged(scene, '1.1.0');
      expect((await scene.run(['status'])).code).toBe(0);
    },
  );
});

describe('two-agents', () => {
  it('of one environment: the second one ends at once and says why, whatever socket it has', async () => {
    const scene = await createScene();
    await scene.compose(scene.web());
    await scene.publish({ web: (await scene.push('1.0.0')).pinned });
    await scene.agent();
    await untilConverged(scene, '1.0.0');
    const before = await containersOf(scene);
    const other = { SUPERCARGO_SOCKET: join(scene.folder, 'other.sock') };
    for (const [command, env] of [
      ['run', {}],
      ['run', other],
      ['once', {}],
      ['once', other],
    ] as const) {
      const second = await scene.run([command], { env });
      expect({ code: second.code, isTold: /agent|environment/.test(told(second)) }).toEqual({
        code: 1,
        isTold: true,
      });
    }
    expect(await containersOf(scene)).toEqual(before);
  });
});
