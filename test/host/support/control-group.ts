import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../support/command.ts';
import { cacheFolder } from './base.ts';

/** Where a tree of control groups, version 2, is mounted; mounted by us where there is none. */
export const controlGroups = async (): Promise<string> => {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const found = mounts.find(([, , type, options]) => type === 'cgroup2' && /^rw\b/.test(options ?? ''))?.[1];
  if (found !== undefined) return found;
  const own = join(cacheFolder, 'cgroup');
  await mkdir(own, { recursive: true });
  const { code, stderr } = await runCommand('mount', ['-t', 'cgroup2', 'none', own]);
  if (code !== 0) throw new Error(`no control groups, version 2: ${stderr.trim()}`);
  return own;
};

/** What there are of memory, cpu and pids goes to hosts too; on machines with version 1 that is none, and hosts have no limits. */
export const createControlGroup = async (name: string): Promise<string> => {
  const root = await controlGroups();
  const controllers = (await readFile(join(root, 'cgroup.controllers'), 'utf8')).trim().split(/\s+/);
  for (const controller of controllers.filter((word) => word !== ''))
    // Refused where this is no root and has processes: then hosts do without.
    await writeFile(join(root, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
  const path = join(root, name);
  await mkdir(path, { recursive: true });
  return path;
};

/** Deepest first; only where no process is left in it. */
export const removeControlGroup = async (path: string): Promise<void> => {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeControlGroup(join(path, entry.name));
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
};
