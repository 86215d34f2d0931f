import type { TestProject } from 'vitest/node';
import { buildBundle } from '../../scripts/build.ts';
import { ensureEngine } from './engine.ts';
import { removeImagesOf } from './images.ts';
import { type RegistryAddress, startRegistry } from './registry.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** For DOCKER_HOST. */
    dockerHost: string;
    registry: RegistryAddress;
    /** Demands a password. */
    lockedRegistry: RegistryAddress;
  }
}

const say = (line: string): void => console.log(`» ${line}`);

/** Without the functions: only plain values reach the test workers. */
const plain = ({ address, credentials }: RegistryAddress): RegistryAddress =>
  credentials ? { address, credentials } : { address };

/** Once for all engine tests: a current bundle, an engine, an open registry and one with a password. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  await buildBundle();
  const engine = await ensureEngine({ say });
  const open = await startRegistry();
  const locked = await startRegistry({ withPassword: true });
  project.provide('dockerHost', engine.dockerHost);
  project.provide('registry', plain(open));
  project.provide('lockedRegistry', plain(locked));
  return async () => {
    for (const registry of [open, locked]) {
      if (!engine.isPrivate) await removeImagesOf(engine.docker, registry);
      await registry.remove();
    }
    await engine.release();
  };
};
