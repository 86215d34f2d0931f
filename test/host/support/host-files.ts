import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../../support/pids.ts';
import { cacheFolder } from './base.ts';
import { controlGroups, removeControlGroup } from './control-group.ts';
import { bridges, removeStreet, streetPrefix } from './street.ts';

const hostsFolder = join(cacheFolder, 'hosts');
const groupPrefix = 'supercargo-host-';

export interface HostPlace {
  readonly folder: string;
  /** Of its control group. */
  readonly group: string;
}

/** The pid in the name says whose it is. */
export const placeOf = (suite: string): HostPlace => {
  const name = `${String(process.pid)}-${suite}`;
  return { folder: join(hostsFolder, name), group: `${groupPrefix}${name}` };
};

export const makeFolder = async ({ folder }: HostPlace): Promise<void> => {
  await rm(folder, { recursive: true, force: true });
  for (const name of ['upper', 'work', 'root', 'docker', 'containerd'])
    await mkdir(join(folder, name), { recursive: true });
};

const orphansAmong = (names: readonly string[], prefix: string): readonly string[] =>
  names.filter((name) => {
    const pid = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined;
    return pid !== undefined && !isAlive(Number(pid));
  });

const namesIn = async (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

/** What killed runs left behind. Their processes and mounts went with them. */
export const sweepHosts = async (): Promise<void> => {
  const groups = await controlGroups();
  for (const name of orphansAmong(await namesIn(groups), groupPrefix))
    await removeControlGroup(join(groups, name));
  for (const name of orphansAmong(await namesIn(hostsFolder), ''))
    await rm(join(hostsFolder, name), { recursive: true, force: true });
  for (const name of orphansAmong(await bridges(), streetPrefix)) await removeStreet(name);
};
