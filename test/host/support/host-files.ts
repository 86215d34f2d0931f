import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runFolder } from '../../support/run-folder.ts';
import { hostsFolder } from './base.ts';

export interface HostPlace {
  readonly folder: string;
  /** Of its control group. */
  readonly group: string;
}

/** Named after the run, which is swept when it is over. */
export const placeOf = (host: string): HostPlace => {
  const group = `${basename(runFolder())}-${host}`;
  return { folder: join(hostsFolder, group), group };
};

export const makeFolder = async ({ folder }: HostPlace): Promise<void> => {
  await rm(folder, { recursive: true, force: true });
  for (const name of ['upper', 'work', 'root', 'docker', 'containerd'])
    await mkdir(join(folder, name), { recursive: true });
};
