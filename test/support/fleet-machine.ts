import { randomInt } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { basename, join } from 'node:path';
import type Docker from 'dockerode';
import { runCommand, type Service, startService } from './command.ts';
import { join as joinSockets } from './fleet-relay.ts';
import { endPid, readPid } from './pids.ts';
import { eventually } from './poll.ts';
import { runFolder } from './run-folder.ts';
import { dockerAt, inside, socketIn, startPrivateEngine, stopPrivateEngine } from './private-engine.ts';

/** Another machine: an engine in a network namespace of its own, which reaches some loopback ports of this one. */
export interface Machine {
  /** For DOCKER_HOST. */
  readonly dockerHost: string;
  readonly docker: Docker;
  /** Runs its arguments in the machine's network: a program in front of another. */
  readonly launcher: string;
  /** Below it is everything that the engine owns: `docker.pid`, `data`. */
  readonly engineFolder: string;
  /** After its engine was killed. */
  readonly startEngine: () => Promise<void>;
  /** The engine down and up again, as by an upgrade of its package: its containers go with it, and come back by their policy. */
  readonly restartEngine: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

const ip = async (...args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runCommand('ip', args);
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
};

const removeMachine = async (name: string): Promise<void> => {
  await stopPrivateEngine(join(runFolder(), name));
  await runCommand('ip', ['netns', 'delete', name]);
};

const listenAt = async (path: string, port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => joinSockets(socket, connect({ port, host: '127.0.0.1' })));
    server.on('error', reject).listen(path, () => resolve(server));
  });

/** Both halves of the way from the machine's loopback to ours. */
const relayPorts = async (name: string, ports: readonly number[]): Promise<readonly [Service, Server[]]> => {
  const folder = join(runFolder(), name);
  const pathOf = (port: number): string => join(folder, `${String(port)}.sock`);
  const servers = await Promise.all(ports.map(async (port) => listenAt(pathOf(port), port)));
  const relay = startService(
    'nsenter',
    [
      ...inside(name),
      process.execPath,
      join(import.meta.dirname, 'fleet-relay.ts'),
      ...ports.map((port) => `${String(port)}=${pathOf(port)}`),
    ],
    { logFile: join(folder, 'relay.log') },
  );
  return [relay, servers];
};

const writeLauncher = async (name: string): Promise<string> => {
  const launcher = join(runFolder(), name, 'inside');
  await writeFile(launcher, `#!/bin/sh\nexec nsenter ${inside(name).join(' ')} "$@"\n`);
  await chmod(launcher, 0o755);
  return launcher;
};

/** A disk of its own for the engine's data, in a file: `stopPrivateEngine` takes away what is mounted below the folder. */
const mountDisk = async (folder: string, megabytes: number): Promise<void> => {
  const [image, data] = [join(folder, 'disk.img'), join(folder, 'data')];
  await mkdir(data);
  for (const [file, ...args] of [
    ['truncate', '-s', `${String(megabytes)}M`, image],
    ['mkfs.ext4', '-q', image],
    ['mount', '-o', 'loop', image, data],
  ] as const) {
    const { code, stderr } = await runCommand(file, args);
    if (code !== 0) throw new Error(`${file}: ${stderr.trim()}`);
  }
};

export interface MachineOptions {
  /** Of a disk of its own; absent: this machine's. */
  readonly diskMegabytes?: number;
}

/** About three seconds. It ends with us; `remove` leaves nothing. */
export const startMachine = async (
  ports: readonly number[],
  { diskMegabytes }: MachineOptions = {},
): Promise<Machine> => {
  const name = `machine-${String(randomInt(1_000_000))}`;
  const folder = join(runFolder(), name);
  await mkdir(folder);
  const started: { relay?: Service; servers: Server[] } = { servers: [] };
  const remove = async (): Promise<void> => {
    await started.relay?.kill();
    for (const server of started.servers) server.close();
    await removeMachine(name);
  };
  try {
    await ip('netns', 'add', name);
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    const [relay, servers] = await relayPorts(name, ports);
    Object.assign(started, { relay, servers });
    const launcher = await writeLauncher(name);
    if (diskMegabytes !== undefined) await mountDisk(folder, diskMegabytes);
    const startEngine = async (): Promise<void> =>
      startPrivateEngine(folder, {
        namespace: name,
        survives: false,
        controlGroup: `/${basename(runFolder())}`,
      });
    const restartEngine = async (): Promise<void> => {
      const pid = readPid(join(folder, 'docker.pid'));
      if (pid !== undefined) await endPid(pid, 30_000);
      await startEngine();
    };
    await startEngine();
    await eventually(async () => (await runCommand(launcher, ['true'])).code === 0, {
      describe: () => `programs run in ${name}`,
    });
    const socket = socketIn(folder);
    return {
      dockerHost: `unix://${socket}`,
      docker: dockerAt(socket),
      launcher,
      engineFolder: folder,
      startEngine,
      restartEngine,
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
};
