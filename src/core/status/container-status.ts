import { isoTime } from '../time.ts';
import type { RunningReplica } from '../plan/host-plan.ts';
import type { ContainerStatus } from './status-document.ts';

/** A container as the documents show it. */
export const containerStatus = (c: RunningReplica): ContainerStatus => ({
  id: c.container.id,
  name: c.container.name,
  replica: c.replica,
  version: c.version,
  release: c.release,
  role: c.role,
  state: c.state,
  health: c.health,
  since: c.sinceMs === undefined ? null : isoTime(c.sinceMs),
  drain: c.drain
    ? {
        since: isoTime(c.drain.sinceMs),
        until: isoTime(c.drain.untilMs),
        sessions: c.drain.sessions ?? null,
      }
    : null,
});
