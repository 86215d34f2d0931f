import type Docker from 'dockerode';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './pids.ts';
import { eventually } from './poll.ts';
import { dockerAt, isAnswering, socketIn, startPrivateEngine, stopPrivateEngine } from './private-engine.ts';

export interface Engine {
  /** For DOCKER_HOST. */
  readonly dockerHost: string;
  readonly docker: Docker;
  /** Started for tests and the demo: nothing of the user's is in it. */
  readonly isPrivate: boolean;
  /** The last user of a private engine stops it. */
  readonly release: () => Promise<void>;
}

export interface EngineOptions {
  readonly say?: (line: string) => void;
}

/**
 * One private engine a machine, shared by everyone who needs one at the same time: two would take each other's bridge
 * and rules away. Its users are files named by their pid; `keep` is a user that stays until `dropUser('keep')`.
 */
const privateFolder = '/var/tmp/supercargo-engine';
const usersIn = (folder: string): string => join(folder, 'users');
const ourName = String(process.pid);

export const addUser = async (name: string): Promise<void> => {
  await writeFile(join(usersIn(privateFolder), name), '');
};

const liveUsers = async (): Promise<readonly string[]> => {
  const names = await readdir(usersIn(privateFolder)).catch(() => []);
  return names.filter((name) => name === 'keep' || isAlive(Number(name)));
};

/** Stops the private engine when nobody uses it, including one that a killed run left behind. */
export const sweepEngine = async (): Promise<boolean> => {
  const exists = (await stat(privateFolder).catch(() => undefined)) !== undefined;
  if (!exists || (await liveUsers()).length > 0) return false;
  await stopPrivateEngine(privateFolder);
  return true;
};

export const dropUser = async (name: string): Promise<boolean> => {
  await rm(join(usersIn(privateFolder), name), { force: true });
  return sweepEngine();
};

/** True for the one who made the folder, who then has to start the engine. Atomic: it appears with us as a user. */
const claimFolder = async (): Promise<boolean> => {
  const draft = await mkdtemp(`${privateFolder}-`);
  await mkdir(usersIn(draft));
  await writeFile(join(usersIn(draft), ourName), '');
  try {
    await rename(draft, privateFolder);
    return true;
  } catch {
    await rm(draft, { recursive: true, force: true });
    return false;
  }
};

const joinPrivateEngine = async (say: (line: string) => void): Promise<void> => {
  await sweepEngine();
  if (await claimFolder()) {
    say(`no engine answers: starting a private one in ${privateFolder}`);
    await startPrivateEngine(privateFolder).catch(async (error: unknown) => {
      await dropUser(ourName);
      throw error;
    });
    return;
  }
  const owner = (await stat(privateFolder)).uid;
  if (owner !== 0)
    throw new Error(`${privateFolder} belongs to user ${String(owner)}: remove it and try again`);
  await addUser(ourName);
  await eventually(() => isAnswering(socketIn(privateFolder)), {
    deadlineMs: 60_000,
    describe: () => `the engine that another run starts in ${privateFolder} answers`,
  });
  say(`using the private engine that already runs in ${privateFolder}`);
};

const fromSocket = (socketPath: string, isPrivate: boolean, release: () => Promise<void>): Engine => ({
  dockerHost: `unix://${socketPath}`,
  docker: dockerAt(socketPath),
  isPrivate,
  release,
});

const nothingToRelease = async (): Promise<void> => Promise.resolve();

/**
 * The engine that answers at DOCKER_HOST or /var/run/docker.sock, else a private one.
 * @throws when DOCKER_HOST is set but is no unix socket or does not answer, and when none can be started.
 */
export const ensureEngine = async ({ say = () => undefined }: EngineOptions = {}): Promise<Engine> => {
  const dockerHost = process.env['DOCKER_HOST'];
  if (dockerHost !== undefined && dockerHost !== '') {
    const socketPath = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
    if (socketPath === undefined)
      throw new Error(`DOCKER_HOST=${dockerHost}: tests need an engine on this machine, unix:///…`);
    if (!(await isAnswering(socketPath)))
      throw new Error(`DOCKER_HOST=${dockerHost} does not answer: start it, or unset it`);
    if (socketPath !== socketIn(privateFolder)) {
      say(`using the engine at ${dockerHost}`);
      return fromSocket(socketPath, false, nothingToRelease);
    }
  } else if (await isAnswering('/var/run/docker.sock')) {
    say('using the engine at /var/run/docker.sock');
    return fromSocket('/var/run/docker.sock', false, nothingToRelease);
  }
  await joinPrivateEngine(say);
  return fromSocket(socketIn(privateFolder), true, async () => {
    await dropUser(ourName);
  });
};
