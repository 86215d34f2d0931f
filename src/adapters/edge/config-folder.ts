import { access, chmod, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  EDGE_CANDIDATE_FILE,
  EDGE_CONFIG_FILE,
  EDGE_HEALTH_FILE,
  masterSocketName,
  runtimeSocketName,
} from '../../core/edge/edge-container.ts';
import { checkedInstance } from '../../core/edge/haproxy-names.ts';
import { checkedMapLines, readMap, type HealthMap } from '../../core/edge/health-answer.ts';
import { AgentError, messageOf } from '../../core/errors.ts';
import { replaceFile, syncFolder, writeNew } from '../../io/durable-file.ts';
import { makePath } from '../../io/make-path.ts';

/**
 * The two folders that an edge's container mounts: `config/INSTANCE`, its own, and `run`, which all edges of
 * the environment share. The container runs as `0:<gid of the agent>`, and its root may not override modes,
 * so it needs the group's bits.
 */
export interface ConfigFolder {
  readonly configFolder: string;
  readonly runFolder: string;
  readonly runtimeSocket: string;
  readonly masterSocket: string;
  /** Makes both folders with their modes. @throws AgentError STATE_DIR */
  readonly prepare: () => Promise<void>;
  /** @throws AgentError STATE_DIR */
  readonly read: (signal: AbortSignal) => Promise<string | undefined>;
  /**
   * Writes durably, after `check` has seen the candidate beside the file.
   * @throws AgentError STATE_DIR, and what `check` throws; the file is then unchanged
   */
  readonly write: (text: string, check: () => Promise<void>) => Promise<void>;
  /** Its map of the health endpoint; undefined if there is no file. @throws AgentError STATE_DIR */
  readonly readAnswers: (signal: AbortSignal) => Promise<HealthMap | undefined>;
  /** Writes a changed text durably. @throws AgentError EDGE, STATE_DIR */
  readonly writeAnswers: (map: HealthMap, signal: AbortSignal) => Promise<void>;
  /**
   * Writes no answers if there is no file: HAProxy refuses a config without it. @throws AgentError STATE_DIR
   */
  readonly ensureAnswers: (signal: AbortSignal) => Promise<void>;
  /** Whether both sockets exist. */
  readonly hasSockets: () => Promise<boolean>;
  /** Removes the files of this edge once its container is gone. @throws AgentError STATE_DIR */
  readonly discard: () => Promise<void>;
}

const FILE_MODE = 0o640;
const CONFIG_MODE = 0o750;
/** HAProxy creates its sockets there. */
const RUN_MODE = 0o770;

const failed = (action: string, cause: unknown): AgentError =>
  new AgentError('STATE_DIR', `cannot ${action}: ${messageOf(cause)}`, {
    retry: 'later',
    cause,
    advice:
      'check the state folder: its owner, its modes and the free space on its disk ' +
      '(SUPERCARGO_STATE_DIR, df -h)',
  });

/** The umask reduces the mode that mkdir takes. */
const makeFolder = async (path: string, mode: number): Promise<void> => {
  await makePath(path);
  await chmod(path, mode);
};

/** Returns undefined if there is no file. */
const readText = async (file: string, signal: AbortSignal): Promise<string | undefined> => {
  try {
    return await readFile(file, { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw failed(`read ${file}`, error);
  }
};

export const createConfigFolder = (folder: string, instance: string): ConfigFolder => {
  const configFolder = join(folder, 'config', checkedInstance(instance));
  const runFolder = join(folder, 'run');
  const path = join(configFolder, EDGE_CONFIG_FILE);
  const candidate = join(configFolder, EDGE_CANDIDATE_FILE);
  const map = join(configFolder, EDGE_HEALTH_FILE);
  const prepare: ConfigFolder['prepare'] = async () => {
    try {
      await makeFolder(configFolder, CONFIG_MODE);
      await makeFolder(runFolder, RUN_MODE);
    } catch (error) {
      throw failed(`make the folders of the edge in ${folder}`, error);
    }
  };
  const writeMap = async (text: string): Promise<void> => {
    await prepare();
    try {
      await replaceFile(map, text, { mode: FILE_MODE, temporary: `${map}.new` });
    } catch (error) {
      throw failed(`write ${map}`, error);
    }
  };
  const runtimeSocket = join(runFolder, runtimeSocketName(instance));
  const masterSocket = join(runFolder, masterSocketName(instance));
  return {
    configFolder,
    runFolder,
    runtimeSocket,
    masterSocket,
    prepare,
    read: (signal) => readText(path, signal),
    write: async (text, check) => {
      await prepare();
      try {
        await writeNew(candidate, text, { mode: FILE_MODE }).catch((error: unknown) => {
          throw failed(`write ${candidate}`, error);
        });
        await check();
        await putInPlace(candidate, path, configFolder);
      } catch (error) {
        await rm(candidate, { force: true }).catch(() => undefined);
        throw error;
      }
    },
    readAnswers: async (signal) => {
      const text = await readText(map, signal);
      return text === undefined ? undefined : readMap(text.split('\n'));
    },
    writeAnswers: async (answers, signal) => {
      const text = checkedMapLines(answers)
        .map((line) => `${line}\n`)
        .join('');
      if ((await readText(map, signal)) !== text) await writeMap(text);
    },
    ensureAnswers: async (signal) => {
      if ((await readText(map, signal)) === undefined) await writeMap('');
    },
    hasSockets: async () =>
      Promise.all([runtimeSocket, masterSocket].map(async (socket) => access(socket))).then(
        () => true,
        () => false,
      ),
    discard: async () => {
      try {
        await rm(configFolder, { recursive: true, force: true });
        await Promise.all([runtimeSocket, masterSocket].map((socket) => rm(socket, { force: true })));
      } catch (error) {
        throw failed(`remove the files of the edge in ${folder}`, error);
      }
    },
  };
};

const putInPlace = async (candidate: string, path: string, folder: string): Promise<void> => {
  try {
    await rename(candidate, path);
    await syncFolder(folder);
  } catch (error) {
    throw failed(`write ${path}`, error);
  }
};
