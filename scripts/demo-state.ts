import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dropUser } from '../test/support/engine.ts';
import { removeImagesOf } from '../test/support/images.ts';
import { removeEnvironment } from '../test/support/leftovers.ts';
import { commandLine, endPid } from '../test/support/pids.ts';
import { dockerAt, isAnswering } from '../test/support/private-engine.ts';

export const demoFolder = '/var/tmp/supercargo-demo';
export const demoEnvironment = 'demo';
export const demoEdgeImage = 'supercargo-edge-demo:local';
const stateFile = join(demoFolder, 'demo.json');

/**
 * All that a demo has started, written as it starts: enough to end it from another shell, or after a crash.
 */
export interface DemoState {
  readonly socketPath?: string;
  readonly registryAddress?: string;
  readonly registryPid?: number;
  readonly agentPid?: number;
}

export const readDemoState = async (): Promise<DemoState | undefined> => {
  const text = await readFile(stateFile, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as DemoState);
};

export const addToDemoState = async (more: DemoState): Promise<void> => {
  await mkdir(demoFolder, { recursive: true, mode: 0o700 });
  await writeFile(stateFile, JSON.stringify({ ...(await readDemoState()), ...more }));
};

/** Only if it still is what we started: pids are used again. */
const endOurs = async (pid: number | undefined, word: string): Promise<void> => {
  if (pid !== undefined && commandLine(pid).some((part) => part.includes(word))) await endPid(pid, 10_000);
};

/** Ends everything that `state` names, and the private engine unless somebody else uses it. */
export const endDemo = async (state: DemoState): Promise<void> => {
  await endOurs(state.agentPid, 'supercargo');
  if (state.socketPath !== undefined && (await isAnswering(state.socketPath))) {
    const docker = dockerAt(state.socketPath);
    await removeEnvironment(docker, demoEnvironment);
    await docker
      .getImage(demoEdgeImage)
      .remove({ force: true })
      .catch(() => undefined);
    if (state.registryAddress !== undefined) await removeImagesOf(docker, { address: state.registryAddress });
  }
  await endOurs(state.registryPid, 'docker-registry');
  // Also when we were interrupted while it started; who else uses it keeps it.
  await dropUser(String(process.pid));
  await dropUser('keep');
  await rm(demoFolder, { recursive: true, force: true });
};
