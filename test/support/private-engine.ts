import Docker from 'dockerode';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runCommand, startService } from './command.ts';
import { type NetState, readNetState, restoreNetState } from './net-state.ts';
import { endPid, findPids, isAlive, readPid } from './pids.ts';
import { eventually } from './poll.ts';

export const dockerAt = (socketPath: string): Docker => new Docker({ socketPath, timeout: 60_000 });

export const isAnswering = async (socketPath: string): Promise<boolean> => {
  try {
    await new Docker({ socketPath, timeout: 5_000 }).ping();
    return true;
  } catch {
    return false;
  }
};

export const socketIn = (folder: string): string => join(folder, 'docker.sock');
const pidFileIn = (folder: string): string => join(folder, 'docker.pid');
/** Only the network: `ip netns exec` would hide the control groups too. */
export const inside = (namespace: string): readonly string[] => [`--net=/run/netns/${namespace}`, '--'];
const logIn = (folder: string): string => join(folder, 'dockerd.log');
const netStateIn = (folder: string): string => join(folder, 'net-state.json');

/** An engine takes zombies for living ones, and where PID 1 reaps nothing the killed stay zombies: it waits for its dead containerd. */
const forgetDead = async (folder: string): Promise<void> => {
  const files = [pidFileIn(folder), join(folder, 'exec', 'containerd', 'containerd.pid')];
  const dead = files.filter((file) => !isAlive(readPid(file) ?? 0));
  await Promise.all(dead.map((file) => rm(file, { force: true })));
};

export interface EngineStart {
  /** A network namespace of its own: what it changes in the network is gone with that. Otherwise this machine's. */
  readonly namespace?: string;
  /** Goes on after we end: whoever comes last stops it. */
  readonly survives?: boolean;
  /** Above those of its containers. */
  readonly controlGroup?: string;
}

/**
 * Starts dockerd with everything it owns below `folder`.
 * @throws with the end of its log when it does not come up within 60 s.
 */
export const startPrivateEngine = async (
  folder: string,
  { namespace, survives = true, controlGroup }: EngineStart = {},
): Promise<void> => {
  if (namespace === undefined) await writeFile(netStateIn(folder), JSON.stringify(await readNetState()));
  // Its own empty configuration: flags that /etc/docker/daemon.json repeats are an error.
  const config = join(folder, 'daemon.json');
  await writeFile(config, '{}');
  await forgetDead(folder);
  await mkdir(join(folder, 'data'), { recursive: true });
  const options = {
    'config-file': config,
    'data-root': join(folder, 'data'),
    'exec-root': join(folder, 'exec'),
    host: `unix://${socketIn(folder)}`,
    pidfile: pidFileIn(folder),
    'log-level': 'warn',
    'shutdown-timeout': '5',
    ...(controlGroup !== undefined && { 'cgroup-parent': controlGroup }),
  };
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const [program, first] =
    namespace === undefined ? ['dockerd', []] : ['nsenter', [...inside(namespace), 'dockerd']];
  const engine = startService(program, [...first, ...flags], { logFile: logIn(folder), survives });
  await eventually(() => isAnswering(socketIn(folder)), {
    deadlineMs: 60_000,
    everyMs: 100,
    describe: async () => {
      const log = await readFile(logIn(folder), 'utf8').catch(() => '');
      const state = isAlive(engine.pid) ? 'dockerd does not answer' : 'dockerd ended';
      return `${state}; the end of its log:\n${log.split('\n').slice(-12).join('\n')}`;
    },
  });
};

/** Fast: dockerd itself would give every container its grace time. */
const removeEverything = async (docker: Docker): Promise<void> => {
  const containers = await docker.listContainers({ all: true });
  const force = { force: true, v: true };
  await Promise.allSettled(containers.map(async ({ Id }) => docker.getContainer(Id).remove(force)));
  await docker.pruneNetworks();
};

const mountsBelow = async (folder: string): Promise<readonly string[]> =>
  (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    // Deepest and latest first.
    .toReversed();

const engineProgram = /^(dockerd|containerd|containerd-shim.*)$/;

/** dockerd, its containerd, and the shims that outlive a killed one: each has the folder on its command line. */
const enginePids = (folder: string): readonly number[] =>
  findPids(
    (words) =>
      engineProgram.test(basename(words[0] ?? '')) && words.some((word) => word.includes(`${folder}/`)),
  );

/** Ends the engine of this folder, whatever state it is in, and leaves nothing: no child, mount, bridge, rule or file. */
export const stopPrivateEngine = async (folder: string): Promise<void> => {
  if (await isAnswering(socketIn(folder)))
    await removeEverything(dockerAt(socketIn(folder))).catch(() => undefined);
  const engine = readPid(pidFileIn(folder));
  if (engine !== undefined && enginePids(folder).includes(engine)) await endPid(engine, 20_000);
  // Again until none is left: one that was just starting may have had children meanwhile.
  for (let [pid] = enginePids(folder); pid !== undefined; [pid] = enginePids(folder))
    await endPid(pid, 5_000);
  for (const path of await mountsBelow(folder)) await runCommand('umount', ['--lazy', path]);
  const before = await readFile(netStateIn(folder), 'utf8').catch(() => undefined);
  if (before !== undefined) await restoreNetState(JSON.parse(before) as NetState);
  await rm(folder, { recursive: true, force: true });
};
