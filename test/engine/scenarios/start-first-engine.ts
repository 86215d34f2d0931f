import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { endPid, isAlive, readPid } from '../../support/pids.ts';
import { isAnswering, startPrivateEngine } from '../../support/private-engine.ts';

const socket = (): string => inject('dockerHost').replace('unix://', '');

/** Undefined where the engine is the machine's own, or somebody else uses the private one too. */
export const ownEngineFolder = async (): Promise<string | undefined> => {
  const folder = dirname(socket());
  const users = await readdir(join(folder, 'users')).catch(() => undefined);
  const others = users?.filter((name) => name === 'keep' || isAlive(Number(name))) ?? [];
  return users && others.length === 1 && !others.includes('keep') ? folder : undefined;
};

/** Down and up again, as by an upgrade of its package: it takes its containers with it, and brings them back by their policy. */
export const restartEngine = async (folder: string): Promise<void> => {
  const pid = readPid(join(folder, 'docker.pid'));
  if (pid === undefined) throw new Error(`no engine runs in ${folder}`);
  // What the machine's network was before the first start: that is what is put back in the end.
  const netState = join(folder, 'net-state.json');
  const before = await readFile(netState, 'utf8');
  await endPid(pid, 30_000);
  await startPrivateEngine(folder);
  await writeFile(netState, before);
  if (!(await isAnswering(socket()))) throw new Error('the engine does not answer after its restart');
};
