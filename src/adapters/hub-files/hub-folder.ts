import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgentError } from '../../core/errors.ts';
import { syncFolder } from '../../io/durable-file.ts';
import { isAnswered, takeLock, type SocketLock } from '../../io/socket-lock.ts';
import { storeError } from './store-error.ts';
import { makePath } from '../../io/make-path.ts';

/** Holds the lock and the temporary files, on the file system of the documents. It needs no backup. */
export const WORK_FOLDER = '.hub';
const FOLDER_MODE = 0o750;
export const FILE_MODE = 0o640;
const LOCK_NAME = 'lock';

/** Creates a folder, and syncs its parents, so that it exists after a power cut. */
export const makeFolder = async (folder: string): Promise<void> => {
  const first = await makePath(folder, FOLDER_MODE);
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
};

/** Whether a hub is at work in this work folder; false if there is none. */
export const isLocked = async (folder: string): Promise<boolean> => {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (!handle) return false;
  try {
    return await isAnswered(`/proc/self/fd/${String(handle.fd)}/${LOCK_NAME}`);
  } finally {
    await handle.close();
  }
};

/**
 * Allows one writer per folder, by listening on a socket file in it. Unlike an abstract socket, it is visible
 * to containers that share the folder; unlike a pid file, it does not answer once its owner is dead. It does
 * not work on network file systems, or for two hubs that start at the same moment over a dead hub's socket.
 * @throws AgentError STORE if another hub answers
 */
export const lockFolder = async (folder: string): Promise<SocketLock> => {
  // Goes through the folder's descriptor, because a socket path has at most 107 bytes (unix(7)).
  const handle = await open(folder, 'r');
  const path = `/proc/self/fd/${String(handle.fd)}/${LOCK_NAME}`;
  try {
    if (await isAnswered(path)) {
      throw new AgentError('STORE', `another hub is at work in ${join(folder, '..')}`, {
        advice: 'stop that hub first, or give this hub its own folder (--data)',
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
