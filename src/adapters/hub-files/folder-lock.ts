import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { AgentError } from '../../core/errors.ts';
import { storeError } from './store-error.ts';

export interface FolderLock {
  readonly release: () => Promise<void>;
}

const NAME = 'lock';

const answers = (path: string): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', () => resolve(false));
  return promise;
};

const listen = async (path: string) => {
  const server = createServer((connection) => connection.destroy());
  server.unref();
  const listening = once(server, 'listening');
  server.listen(path);
  await listening;
  // Later errors are those of accepting a connection, which nobody needs.
  server.on('error', () => undefined);
  return server;
};

/**
 * One writer per folder, by listening on a socket file in it: unlike an abstract socket it is seen by
 * containers that share the folder, and unlike a pid file nobody answers on it once its owner is dead. Not on
 * network file systems. Two hubs that start in the very same moment over a dead one's socket are not told
 * apart.
 * @throws AgentError STORE where another one answers.
 */
export const lockFolder = async (folder: string): Promise<FolderLock> => {
  // By the folder's descriptor: a path of a socket has at most 107 bytes (unix(7)).
  const handle = await open(folder, 'r');
  const path = `/proc/self/fd/${String(handle.fd)}/${NAME}`;
  try {
    if (await answers(path)) {
      throw new AgentError('STORE', `another hub is at work in ${join(folder, '..')}`, {
        advice: 'stop that one first, or give this one a folder of its own (--data)',
      });
    }
    await rm(join(folder, NAME), { force: true });
    const server = await listen(path);
    return {
      release: async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        server.close(() => resolve());
        await promise;
        await handle.close();
      },
    };
  } catch (error) {
    await handle.close();
    throw storeError(error, `lock ${folder}`);
  }
};
