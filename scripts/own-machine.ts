import { chmod, mkdir, mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hostsFolder } from '../test/host/support/base.ts';
import { isAlive } from '../test/support/pids.ts';

/** Short, since sockets lie below it, and on a real disk, since engines keep their data below it. */
const parent = '/var/tmp';
const prefix = 'supercargo-run-';

/** Where vitest runs. */
export interface Place {
  /** In front of the program. */
  readonly launcher: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its TMPDIR. */
  readonly temporary: string;
  readonly remove: () => Promise<void>;
}

const NAMESPACES = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

const removeTree = async (folder: string): Promise<void> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder);
};

const namesIn = async (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

/** Control groups and hosts bear the run's name in front of theirs. */
const removeRun = async (name: string): Promise<void> => {
  const isOurs = (other: string): boolean => other === name || other.startsWith(`${name}-`);
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  for (const [, groups = '', type = ''] of mounts)
    if (type.startsWith('cgroup'))
      for (const group of (await namesIn(groups)).filter(isOurs)) await removeTree(join(groups, group));
  for (const host of (await namesIn(hostsFolder)).filter(isOurs))
    await rm(join(hostsFolder, host), { recursive: true, force: true });
  await rm(join(parent, name), { recursive: true, force: true });
};

/** The pid in the name is that of the run's script. */
const isDead = (name: string): boolean =>
  name.startsWith(prefix) && !isAlive(Number.parseInt(name.slice(prefix.length), 10));

/** What killed runs left behind. */
const sweepRuns = async (): Promise<void> => {
  for (const name of (await namesIn(parent)).filter(isDead)) await removeRun(name);
};

/**
 * Processes, a network and mounts of its own. All of them end with us, however we end; only files are left to
 * remove.
 */
export const createOwnMachine = async (): Promise<Place> => {
  await sweepRuns();
  const folder = await mkdtemp(join(parent, `${prefix}${String(process.pid)}-`));
  // PostgreSQL runs as another user and has its folder below.
  await chmod(folder, 0o711);
  const temporary = join(folder, 'tmp');
  await mkdir(temporary, { mode: 0o1777 });
  return {
    launcher: [
      'setpriv',
      '--pdeathsig',
      'KILL',
      '--',
      'unshare',
      ...NAMESPACES,
      '--',
      join(import.meta.dirname, 'own-machine.sh'),
    ],
    env: { SUPERCARGO_RUN: folder, TMPDIR: temporary },
    temporary,
    remove: async () => removeRun(basename(folder)),
  };
};
