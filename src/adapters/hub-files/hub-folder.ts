import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgentError } from '../../core/errors.ts';
import { syncFolder } from '../../io/durable-file.ts';
import { isAnswered, takeLock, type SocketLock } from '../../io/socket-lock.ts';
import { storeError } from './store-error.ts';

/**
 * Inside the folder, for the same file system: the lock, and what is being written. Nothing in it is worth a
 * backup.
 */
export const WORK_FOLDER = '.hub';
const FOLDER_MODE = 0o750;
export const FILE_MODE = 0o640;
const LOCK_NAME = 'lock';

/** Made, and known to its parents after a power cut. */
export const makeFolder = async (folder: string): Promise<void> => {
  const first = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
};

/**
 * One writer per folder, by listening on a socket file in it: unlike an abstract socket it is seen by
 * containers that share the folder, and unlike a pid file nothing answers on it once its owner is dead. Not on
 * network file systems. Two hubs that start in the very same moment over a dead one's socket are not told
 * apart.
 * @throws AgentError STORE where another one answers.
 */
export const lockFolder = async (folder: string): Promise<SocketLock> => {
  // By the folder's descriptor: a path of a socket has at most 107 bytes (unix(7)).
  const handle = await open(folder, 'r');
  const path = `/proc/self/fd/${String(handle.fd)}/${LOCK_NAME}`;
  try {
    if (await isAnswered(path)) {
      throw new AgentError('STORE', `another hub is at work in ${join(folder, '..')}`, {
        advice: 'stop that one first, or give this one a folder of its own (--data)',
      });
    }
    await rm(join(folder, LOCK_NAME), { force: true });
    const lock = await takeLock(path);
    return {
      release: async () => {
        await lock.release();
        await handle.close();
      },
    };
  } catch (error) {
    await handle.close();
    throw storeError(error, `lock ${folder}`);
  }
};
