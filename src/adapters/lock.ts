import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { AgentError, messageOf } from '../core/errors.ts';

export interface LockKey {
  /** `ID` of `docker info`. */
  readonly engineId: string;
  readonly environment: string;
}

export interface Lock {
  /** Settled when another one can take the lock. */
  readonly release: () => Promise<void>;
}

/** In `ss -xl` the leading zero byte is shown as "@". */
const socketName = ({ engineId, environment }: LockKey): string =>
  `\0supercargo/${createHash('sha256').update(`${engineId}/${environment}`).digest('hex').slice(0, 16)}`;

const refusal = (key: LockKey, error: unknown): AgentError =>
  (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    ? new AgentError(
        'AGENT_RUNNING',
        `another agent is at work for the environment ${key.environment} on this engine`,
        {
          cause: error,
          advice:
            'use "supercargo sync" to make that one work now, or stop it first (systemctl stop supercargo); "ss -xlp | grep supercargo/" names its process',
          fields: { environment: key.environment },
        },
      )
    : new AgentError('INTERNAL', `cannot take the lock of this host: ${messageOf(error)}`, {
        retry: 'later',
        cause: error,
        advice:
          'check that the sandbox of the agent permits unix sockets (RestrictAddressFamilies=AF_UNIX …)',
      });

/**
 * One writer per (engine, environment), by listening on an abstract unix socket (unix(7)). The kernel frees
 * the name when the process ends, however it ends: there is no stale lock. The name belongs to the network
 * namespace: an agent in a container sees the lock of the host only with `network_mode: host`. Any local user
 * could take the name and so keep the agent from starting, but never gain anything by it. The lock does not
 * keep the event loop alive.
 * @throws AgentError AGENT_RUNNING where it is taken.
 */
export const acquireLock = async (key: LockKey): Promise<Lock> => {
  const server = createServer((connection) => connection.destroy());
  server.unref();
  try {
    const listening = once(server, 'listening');
    server.listen(socketName(key));
    await listening;
  } catch (error) {
    throw refusal(key, error);
  }
  // Later errors are those of accepting a connection, which nobody needs.
  server.on('error', () => undefined);
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
};
