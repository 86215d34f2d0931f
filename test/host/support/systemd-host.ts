import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandResult, runCommand } from '../../support/command.ts';
import { readPid } from '../../support/pids.ts';
import { eventually } from '../../support/poll.ts';
import { createControlGroup, removeControlGroup } from './control-group.ts';
import { makeFolder, placeOf } from './host-files.ts';
import type { Cable, Street } from './street.ts';
import type { Suite } from './suites.ts';

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Debian with systemd as its first process and a real engine, in namespaces of its own. */
export interface SystemdHost {
  readonly suite: Suite;
  /** Of the street: where its ports are reached. */
  readonly address: string;
  /** Runs a program as root in it, to its end. */
  readonly run: (words: readonly string[], options?: RunOptions) => Promise<CommandResult>;
  /** The same with a shell. @throws where it ends with another code than 0; resolves with its trimmed output. */
  readonly shell: (script: string, options?: RunOptions) => Promise<string>;
  /** `owner` is USER or USER:GROUP. */
  readonly write: (path: string, content: string, mode?: string, owner?: string) => Promise<void>;
  /** `systemctl reboot`; resolves when it is up again. */
  readonly reboot: () => Promise<void>;
  /** Every process is gone at once. What was written is still there: the disk's cache is the machine's. */
  readonly pullPlug: () => Promise<void>;
  readonly boot: () => Promise<void>;
  /** Leaves nothing. */
  readonly remove: () => Promise<void>;
}

export interface HostSettings {
  readonly suite: Suite;
  readonly name: string;
  /** Of `ensureBase`. */
  readonly base: string;
  readonly street: Street;
  readonly cable: Cable;
  /** Seen read-only at /mnt/share. */
  readonly share: string;
}

const tool = (name: string): string => join(import.meta.dirname, name);

/** What the first process of a pid namespace seems to die of when it asks the kernel for it. */
const REBOOT: NodeJS.Signals = 'SIGHUP';

/** Ends with us, however we end: the first process is killed with `unshare`, and every other one with that. */
const launch = (env: Readonly<Record<string, string>>, console: string): ChildProcess => {
  const log = openSync(console, 'a');
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--fork', '--kill-child'];
  const unshare = ['unshare', ...namespaces, '--propagation', 'private', '--', tool('boot.sh')];
  const [file, args] = ['setpriv', ['--pdeathsig', 'KILL', '--', ...unshare]] as const;
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return child;
};

interface Boot {
  readonly child: ChildProcess;
  /** The signal that its first process ended with. */
  readonly ended: Promise<NodeJS.Signals | null>;
}

export const startHost = async (settings: HostSettings): Promise<SystemdHost> => {
  const { suite, street, cable } = settings;
  const place = placeOf(`${suite.name}-${settings.name}`);
  await makeFolder(place);
  const { folder } = place;
  const console = join(folder, 'console.log');
  const controlGroup = await createControlGroup(place.group);
  const state: { boot: Boot | undefined } = { boot: undefined };

  const enter = (words: readonly string[]): readonly string[] => {
    const pid = readPid(join(folder, 'pid'));
    if (pid === undefined) throw new Error(`${settings.name} is not up`);
    return [String(pid), controlGroup, ...words];
  };
  const run: SystemdHost['run'] = async (words, options = {}) =>
    runCommand(tool('enter.sh'), enter(words), options);
  const shell: SystemdHost['shell'] = async (script, options) => {
    const { code, stdout, stderr } = await run(['sh', '-ec', script], options);
    if (code === 0) return stdout.trim();
    throw new Error(`${script}\nended with ${String(code)} on ${settings.name}:\n${stdout}${stderr}`);
  };

  const isUp = async (): Promise<boolean> =>
    /^(running|degraded)$/m.test((await run(['systemctl', 'is-system-running'])).stdout);
  const boot = async (): Promise<void> => {
    await rm(join(folder, 'pid'), { force: true });
    const child = launch(
      {
        ROOT: folder,
        BASE: settings.base,
        HOST: settings.name,
        SHARE: settings.share,
        CGROUP: controlGroup,
        LINK: cable.link,
        BRIDGE: street.bridge,
        ADDRESS: `${cable.hostAddress}/24`,
        OUTSIDE: String(process.pid),
      },
      console,
    );
    const ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
    state.boot = { child, ended };
    await eventually(isUp, {
      describe: async () => `${settings.name} is up; its console:\n${await readFile(console, 'utf8')}`,
    });
  };
  /** Resolves when nothing of it runs any more. */
  const ended = async (): Promise<NodeJS.Signals | null> => {
    const signal = (await state.boot?.ended) ?? null;
    state.boot = undefined;
    await removeControlGroup(controlGroup);
    await createControlGroup(place.group);
    return signal;
  };
  const pullPlug = async (): Promise<void> => {
    const pid = readPid(join(folder, 'pid'));
    if (state.boot !== undefined && pid !== undefined) process.kill(pid, 'SIGKILL');
    await ended();
  };
  await boot();
  return {
    suite,
    address: cable.hostAddress,
    run,
    shell,
    write: async (path, content, mode = '0644', owner = 'root') => {
      const [user = '', group = user] = owner.split(':');
      // Through a pipe: our input is a socket, which can't be opened by its name.
      await shell(`cat | install -D -m ${mode} -o ${user} -g ${group} /dev/stdin ${path}`, {
        input: content,
      });
    },
    boot,
    reboot: async () => {
      await shell('systemctl --no-block reboot');
      const signal = await ended();
      if (signal !== REBOOT) throw new Error(`${settings.name} ended with ${String(signal)}, no reboot`);
      await boot();
    },
    pullPlug,
    remove: async () => {
      await pullPlug();
      await removeControlGroup(controlGroup);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
