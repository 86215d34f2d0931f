import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { createConfigFolder } from '../../src/adapters/edge/config-folder.ts';
import { createEdge } from '../../src/adapters/edge/edge.ts';
import {
  EDGE_CANDIDATE_FILE,
  EDGE_CAPABILITIES,
  EDGE_CONFIG_MOUNT,
  EDGE_RUN_MOUNT,
  edgeCheckCommand,
  edgeCommand,
} from '../../src/core/edge/container.ts';
import type { EdgeConfig } from '../../src/core/edge/model.ts';
import type { Edge } from '../../src/core/ports/edge.ts';
import { type Service, runCommand, startService } from './command.ts';
import { FOREIGN_LABEL } from './leftovers.ts';

export interface RunningEdge {
  readonly edge: Edge;
  readonly folder: string;
  readonly isRunning: () => Promise<boolean>;
  /** SIGUSR1 to the master. */
  readonly leave: () => Promise<void>;
  /** SIGKILL to the master; something starts it again, as a restart policy does. */
  readonly crash: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

export type StartEdge = (config: EdgeConfig) => Promise<RunningEdge>;

/** A user that exists nowhere: the sockets must become its own. */
export const AGENT_ID = 61_234;

const createFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-edge-'));
  const files = createConfigFolder(folder);
  await files.prepare();
  for (const path of [folder, files.configFolder, files.runFolder]) await chown(path, AGENT_ID, AGENT_ID);
  return folder;
};

const write = async (edge: Edge, config: EdgeConfig): Promise<void> =>
  edge.apply({ kind: 'edge-write', config }, AbortSignal.timeout(10_000));

/** The program of this machine, with the folder's own paths instead of the mounts'. */
export const startLocalEdge: StartEdge = async (config) => {
  const folder = await createFolder();
  const local = (words: string): string =>
    words.replaceAll(EDGE_RUN_MOUNT, join(folder, 'run')).replaceAll(EDGE_CONFIG_MOUNT, folder);
  const check = async (): Promise<void> => {
    const { code, stderr } = await runCommand('haproxy', [
      '-c',
      '-f',
      join(folder, 'config', EDGE_CANDIDATE_FILE),
    ]);
    if (code !== 0) throw new Error(stderr);
  };
  const edge = createEdge({ folder, check });
  await write(edge, config);
  const [program, ...args] = edgeCommand(config.agentUid).map(local);
  const start = async (): Promise<Service> => {
    const text = await readFile(join(folder, 'config', 'haproxy.cfg'), 'utf8');
    await writeFile(join(folder, 'haproxy.cfg'), local(text));
    return startService(program ?? '', args, { logFile: join(folder, 'log') });
  };
  let service = await start();
  let hasEnded = false;
  const follow = (): void => {
    hasEnded = false;
    void service.ended.then(() => (hasEnded = true));
  };
  follow();
  return {
    edge,
    folder,
    isRunning: async () => Promise.resolve(!hasEnded),
    leave: async () => void process.kill(service.pid, 'SIGUSR1'),
    crash: async () => {
      await service.kill();
      service = await start();
      follow();
    },
    remove: async () => {
      if (!hasEnded) await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const createBody = (image: string, folder: string, config: EdgeConfig): Docker.ContainerCreateOptions => {
  const [program, ...args] = edgeCommand(config.agentUid);
  return {
    Image: image,
    Entrypoint: [program],
    Cmd: args,
    User: `0:${String(AGENT_ID)}`,
    Labels: { [FOREIGN_LABEL]: config.environment },
    HostConfig: {
      NetworkMode: 'host',
      CapDrop: ['ALL'],
      CapAdd: [...EDGE_CAPABILITIES],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      RestartPolicy: { Name: 'always' },
      Binds: [`${folder}/config:${EDGE_CONFIG_MOUNT}:ro`, `${folder}/run:${EDGE_RUN_MOUNT}`],
    },
  };
};

const runCheck = async (docker: Docker, container: Docker.Container): Promise<void> => {
  const exec = await container.exec({ Cmd: [...edgeCheckCommand], AttachStderr: true, AttachStdout: true });
  const stream = await exec.start({});
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const { ExitCode } = await docker.getExec(exec.id).inspect();
  if (ExitCode !== 0) throw new Error(Buffer.concat(chunks).toString('utf8'));
};

/** As the agent runs it: host network, root with few capabilities, nothing writable but the sockets' folder. */
export const startContainerEdge =
  (docker: Docker, image: string): StartEdge =>
  async (config) => {
    const folder = await createFolder();
    const container = await docker.createContainer(createBody(image, folder, config));
    const state = async (): Promise<{ Running: boolean; Pid: number }> => (await container.inspect()).State;
    const check = async (): Promise<void> => {
      if ((await state()).Running) await runCheck(docker, container);
    };
    const edge = createEdge({ folder, check });
    const remove = async (): Promise<void> => {
      await container.remove({ force: true, v: true });
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await write(edge, config);
      // Written by root here; the agent's own files have its group.
      await chown(join(folder, 'config', 'haproxy.cfg'), AGENT_ID, AGENT_ID);
      await container.start();
    } catch (error) {
      await remove();
      throw error;
    }
    return {
      edge,
      folder,
      isRunning: async () => (await state()).Running,
      leave: async () => void (await container.kill({ signal: 'SIGUSR1' })),
      // Not by the engine: what it kills itself it does not start again.
      crash: async () => void process.kill((await state()).Pid, 'SIGKILL'),
      remove,
    };
  };
