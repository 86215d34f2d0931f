import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { makePackages } from './packages.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder with `previous.deb` and `new.deb`; hosts see it at /mnt/share. */
    share: string;
  }
}

/** Once for all hosts: the package. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const share = await mkdtemp(join(tmpdir(), 'supercargo-share-'));
  await makePackages(share);
  project.provide('share', share);
  return async () => {
    await rm(share, { recursive: true, force: true });
  };
};
