import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export interface SocketLock {
  /** Settles once another process can take the lock. */
  readonly release: () => Promise<void>;
}

/**
 * An abstract unix socket (unix(7)): the kernel frees its name when the process ends, even by a kill. The
 * name belongs to the network namespace. `ss -xl` shows the leading zero byte as "@".
 */
export const abstractSocket = (prefix: string, key: string, digits: number): string =>
  `\0${prefix}/${createHash('sha256').update(key).digest('hex').slice(0, digits)}`;

export const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EADDRINUSE';

/**
 * Takes the lock by listening on the socket. The lock does not keep the process alive.
 * @throws the system's error; `isTaken` recognises a lock that is held
 */
export const takeLock = async (socket: string): Promise<SocketLock> => {
  const server = createServer((connection) => connection.destroy());
  server.unref();
  const listening = once(server, 'listening');
  server.listen(socket);
  await listening;
  // Later errors concern incoming connections, which do not matter here.
  server.on('error', () => undefined);
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
};

/** Whether a process listens on a socket file; a killed process leaves its file behind. */
export const isAnswered = (path: string): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', () => resolve(false));
  return promise;
};
