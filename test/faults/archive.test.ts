import { mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { assertCode, containersOf, createScene, type Scene, told } from '../engine/scenarios/scene.ts';
import { runCommand } from '../support/command.ts';
import { type Machine, startMachine } from '../support/fleet-machine.ts';
import { eventually } from '../support/poll.ts';
import { startRegistry } from '../support/registry.ts';
import { isWhole } from './moments.ts';
import { DISK_MB, fillDisk, freeDisk } from './small-disk.ts';

/** A machine with a small disk that reaches no registry. */
const place: { machine: Machine | undefined } = { machine: undefined };

beforeAll(async () => {
  if (isWhole) place.machine = await startMachine([], { diskMegabytes: DISK_MB });
});
afterAll(async () => place.machine?.remove());

/** The file at this path becomes a pipe, which gives its first half, and the rest when told to. */
const halfOf = async (path: string): Promise<{ readonly rest: () => Promise<void> }> => {
  const bytes = await readFile(path);
  await rename(path, `${path}.whole`);
  expect((await runCommand('mkfifo', ['--mode=644', path])).code).toBe(0);
  // Opens when the agent does, and is written as fast as it reads.
  const pipe = await open(path, 'w');
  const half = bytes.length >> 1;
  await pipe.write(bytes.subarray(0, half));
  return {
    rest: async () => {
      // Whoever gave up reading has closed its end.
      await pipe.writeFile(bytes.subarray(half)).catch(() => undefined);
      await pipe.close();
      await rename(`${path}.whole`, path);
    },
  };
};

const runningIn = async (scene: Scene): Promise<string> =>
  (await containersOf(scene)).map((c) => `${c.version} ${c.state}`).join();

const untilTold = async (scene: Scene, words: RegExp): Promise<void> => {
  const status = async (): Promise<string> => told(await scene.run(['status']));
  await eventually(async () => words.test(await status()), {
    deadlineMs: 120_000,
    describe: async () => `${String(words)} in ${await status()}`,
  });
};

describe('an archive on a host whose registry is away', () => {
  it.runIf(isWhole)(
    "'engine-full' (a disk that fills up) at the half of an archive: it is told, what serves goes on, and it is loaded when there is room",
    async () => {
      const { machine } = place;
      if (!machine) throw new Error('there is no machine');
      const registry = await startRegistry();
      onTestFinished(async () => registry.remove());
      const store = await mkdtemp(join(tmpdir(), 'supercargo-store-'));
      onTestFinished(async () => rm(store, { recursive: true }));
      const publisher = await createScene({ registry });
      const { environment } = publisher;
      const { dockerHost, docker, launcher } = machine;
      const env = { SUPERCARGO_MANIFEST_URL: `file://${store}/manifests/${environment}.json` };
      const scene = await createScene({ registry, environment, dockerHost, docker, launcher, env });
      const publish = async (version: string): Promise<void> => {
        const { ref } = await publisher.push(version);
        const how = ['--archive', '--to', store, '--insecure-unsigned'];
        assertCode(await publisher.run(['publish', environment, `web=${ref}`, ...how]), 0);
      };
      const archives = join(store, 'archives');

      await publish('1.0.0');
      await scene.compose(scene.web());
      const agent = await scene.agent();
      await untilTold(scene, /web +converged +1\.0\.0/);
      await agent.stop();
      const [first] = await readdir(archives);
      await publish('1.1.0');
      const [second = ''] = (await readdir(archives)).filter((name) => name !== first);
      const [half, { log }] = await Promise.all([halfOf(join(archives, second)), scene.agent()]);
      await fillDisk(machine);
      await half.rest();
      await eventually(async () => /the engine cannot load it: .*no space left on device/.test(await log()), {
        deadlineMs: 60_000,
        describe: log,
      });
      await untilTold(scene, /only \d+ MiB free/);
      expect(await runningIn(scene)).toBe('1.0.0 running');
      await freeDisk(machine);
      await eventually(async () => (await runningIn(scene)) === '1.1.0 running', {
        deadlineMs: 120_000,
        describe: async () => told(await scene.run(['status'])),
      });
    },
    400_000,
  );
});
