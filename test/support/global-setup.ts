import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { socketIn, startPrivateEngine } from './private-engine.ts';
import { type RegistryAddress, startRegistry } from './registry.ts';
import { runFolder } from './run-folder.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** For DOCKER_HOST. */
    dockerHost: string;
    registry: RegistryAddress;
    /** Demands a password. */
    lockedRegistry: RegistryAddress;
  }
}

/** Without the functions: only plain values reach the test workers. */
const plain = ({ address, credentials }: RegistryAddress): RegistryAddress =>
  credentials ? { address, credentials } : { address };

/** Once for all files of a run: an engine, which ends with the run's machine, an open registry and one with a password. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const run = runFolder();
  const folder = join(run, 'engine');
  await mkdir(folder);
  await startPrivateEngine(folder, { controlGroup: `/${basename(run)}` });
  const open = await startRegistry();
  const locked = await startRegistry({ withPassword: true });
  project.provide('dockerHost', `unix://${socketIn(folder)}`);
  project.provide('registry', plain(open));
  project.provide('lockedRegistry', plain(locked));
  return async () => {
    for (const registry of [open, locked]) await registry.remove();
  };
};
