import { AgentError, messageOf } from '../core/errors.ts';
import { abstractSocket, isTaken, takeLock, type SocketLock } from '../io/socket-lock.ts';

export interface LockKey {
  /** `ID` of `docker info`. */
  readonly engineId: string;
  readonly environment: string;
}

const refusal = (key: LockKey, error: unknown): AgentError =>
  isTaken(error)
    ? new AgentError(
        'AGENT_RUNNING',
        `another agent is at work for the environment ${key.environment} on this engine`,
        {
          cause: error,
          advice:
            'use "supercargo sync" to make that agent work now, or stop it first ' +
            '(systemctl stop supercargo); "ss -xlp | grep supercargo/" shows its process',
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
 * Allows one writer per engine and environment. An abstract unix socket leaves no stale lock. An agent in a
 * container sees the host's lock only with `network_mode: host`. A local user could take the name and keep
 * the agent from starting, but would gain nothing by it.
 * @throws AgentError AGENT_RUNNING if the lock is taken
 */
export const acquireLock = async (key: LockKey): Promise<SocketLock> => {
  try {
    return await takeLock(abstractSocket('supercargo', `${key.engineId}/${key.environment}`, 16));
  } catch (error) {
    throw refusal(key, error);
  }
};
