import { chown, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { createConfigFolder } from '../../src/adapters/edge/config-folder.ts';
import { createEdge, type Edge } from '../../src/adapters/edge/edge.ts';
import {
  EDGE_CANDIDATE_FILE,
  EDGE_CAPABILITIES,
  EDGE_CONFIG_FILE,
  EDGE_CONFIG_MOUNT,
  EDGE_HEALTH_FILE,
  EDGE_RUN_MOUNT,
  edgeCheckCommand,
  edgeCommand,
} from '../../src/core/edge/edge-container.ts';
import type { EdgeConfig } from '../../src/core/edge/edge-config.ts';
import { hasHealthEndpoint, healthMap } from '../../src/core/edge/render-health.ts';
import type { HealthAnswers } from '../../src/core/edge/health-answer.ts';

import { type Service, runCommand, startService } from './command.ts';
import { FOREIGN_LABEL } from './leftovers.ts';

export interface RunningEdge {
  readonly edge: Edge;
  readonly folder: string;
  readonly instance: string;
  readonly isRunning: () => Promise<boolean>;
  /** SIGUSR1 to the master. */
  readonly leave: () => Promise<void>;
  /** SIGKILL to the master; something starts it again, as a restart policy does. */
  readonly crash: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** With a predecessor, in its folder and with its listeners; with answers, of its health endpoint from its start on. */
export type StartEdge = (
  config: EdgeConfig,
  predecessor?: RunningEdge,
  answers?: HealthAnswers,
) => Promise<RunningEdge>;

/** A user that exists nowhere: the sockets must become its own. */
export const AGENT_ID = 61_234;

const createFolder = async (instance: string, predecessor?: RunningEdge): Promise<string> => {
  const folder = predecessor?.folder ?? (await mkdtemp(join(tmpdir(), 'supercargo-edge-')));
  const files = createConfigFolder(folder, instance);
  await files.prepare();
  for (const path of [folder, files.configFolder, files.runFolder]) await chown(path, AGENT_ID, AGENT_ID);
  return folder;
};

/** The folder goes with the last of its edges. */
const removeFiles = async (edge: Edge, folder: string): Promise<void> => {
  await edge.discard();
  const others = await readdir(join(folder, 'config'));
  if (others.length === 0) await rm(folder, { recursive: true, force: true });
};

const commandOf = (config: EdgeConfig, predecessor?: RunningEdge): readonly string[] =>
  edgeCommand({
    agentUid: config.agentUid,
    instance: config.instance,
    ...(predecessor ? { predecessor: predecessor.instance } : {}),
  });

const write = async (edge: Edge, config: EdgeConfig): Promise<void> =>
  edge.apply({ kind: 'edge-write', config }, AbortSignal.timeout(10_000));

/** The program of this machine, with the folder's own paths instead of the mounts'. */
export const startLocalEdge: StartEdge = async (config, predecessor) => {
  const { instance } = config;
  const folder = await createFolder(instance, predecessor);
  const configFolder = join(folder, 'config', instance);
  const local = (words: string): string =>
    words
      .replaceAll(EDGE_RUN_MOUNT, join(folder, 'run'))
      .replaceAll(EDGE_CONFIG_MOUNT, join(folder, instance));
  const check = async (): Promise<void> => {
    const { code, stderr } = await runCommand('haproxy', [
      '-c',
      '-f',
      join(configFolder, EDGE_CANDIDATE_FILE),
    ]);
    if (code !== 0) throw new Error(stderr);
  };
  const edge = createEdge({ folder, instance, check });
  await write(edge, config);
  const [program, ...args] = commandOf(config, predecessor).map(local);
  const start = async (): Promise<Service> => {
    const text = await readFile(join(configFolder, EDGE_CONFIG_FILE), 'utf8');
    await mkdir(join(folder, instance), { recursive: true });
    await writeFile(join(folder, instance, EDGE_CONFIG_FILE), local(text));
    return startService(program ?? '', args, { logFile: join(folder, `${instance}.log`) });
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
    instance,
    isRunning: async () => Promise.resolve(!hasEnded),
    leave: async () => void process.kill(service.pid, 'SIGUSR1'),
    crash: async () => {
      await service.kill();
      service = await start();
      follow();
    },
    remove: async () => {
      if (!hasEnded) await service.stop();
      await removeFiles(edge, folder);
    },
  };
};

const createBody = (
  image: string,
  folder: string,
  config: EdgeConfig,
  [program = '', ...args]: readonly string[],
): Docker.ContainerCreateOptions => {
  const configFolder = join(folder, 'config', config.instance);
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
      Binds: [`${configFolder}:${EDGE_CONFIG_MOUNT}:ro`, `${folder}/run:${EDGE_RUN_MOUNT}`],
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
  async (config, predecessor, answers) => {
    const { instance } = config;
    const folder = await createFolder(instance, predecessor);
    const command = commandOf(config, predecessor);
    const container = await docker.createContainer(createBody(image, folder, config, command));
    const state = async (): Promise<{ Running: boolean; Pid: number }> => (await container.inspect()).State;
    const check = async (): Promise<void> => {
      if ((await state()).Running) await runCheck(docker, container);
    };
    const edge = createEdge({ folder, instance, check });
    const remove = async (): Promise<void> => {
      await container.remove({ force: true, v: true });
      await removeFiles(edge, folder);
    };
    try {
      const map = answers && healthMap(config, answers);
      if (map) await edge.apply({ kind: 'edge-answer', ...map }, AbortSignal.timeout(10_000));
      await write(edge, config);
      // Written by root here; the agent's own files have its group.
      for (const file of [EDGE_CONFIG_FILE, ...(hasHealthEndpoint(config) ? [EDGE_HEALTH_FILE] : [])])
        await chown(join(folder, 'config', instance, file), AGENT_ID, AGENT_ID);
      await container.start();
    } catch (error) {
      await remove();
      throw error;
    }
    return {
      edge,
      folder,
      instance,
      isRunning: async () => (await state()).Running,
      leave: async () => void (await container.kill({ signal: 'SIGUSR1' })),
      // Not by the engine: what it kills itself it does not start again.
      crash: async () => void process.kill((await state()).Pid, 'SIGKILL'),
      remove,
    };
  };
