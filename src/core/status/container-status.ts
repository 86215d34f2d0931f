import { isoTime } from '../time.ts';
import type { RunningReplica } from '../plan/host-plan.ts';
import type { ContainerStatus } from './status-document.ts';

export const containerStatus = (replica: RunningReplica): ContainerStatus => ({
  id: replica.container.id,
  name: replica.container.name,
  replica: replica.replica,
  version: replica.version,
  release: replica.release,
  role: replica.role,
  state: replica.state,
  health: replica.health,
  since: replica.sinceMs === undefined ? null : isoTime(replica.sinceMs),
  drain: replica.drain
    ? {
        since: isoTime(replica.drain.sinceMs),
        until: isoTime(replica.drain.untilMs),
        sessions: replica.drain.sessions ?? null,
      }
    : null,
});
