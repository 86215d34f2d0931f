import type { Container } from '../state/actual.ts';
import type { Goal } from './goal.ts';
import { servesOn } from './back-in-service.ts';
import { serversOf, sessionsOf } from './edge/edge-view.ts';
import { failureOf } from '../state/ledger.ts';
import type { ServiceContext } from './plan-input.ts';
import type { RunningReplica } from './host-plan.ts';
import { isUp, refOf } from './slot.ts';
import { isProven } from './unproved-release.ts';
import type { ContainerRole } from '../vocabulary/roles.ts';

/** Every container of a service with its role, for `status` and `explain`; the serving one comes first. */
export const rolesOf = (c: ServiceContext, goal: Goal): readonly RunningReplica[] => {
  const leaving = c.input.actual.containers.filter(
    (o) => o.owner?.service === c.service.name && o.state === 'removing',
  );
  const own = c.own.map((container) => {
    const drain = servesOn(c, goal, container) ? undefined : drainOf(c, container);
    const role = drain ? 'draining' : roleOf(c, goal, container);
    return { ...replicaOf(container, role), ...(drain && { drain }) };
  });
  return [...own, ...leaving.map((container) => replicaOf(container, 'retired'))].toSorted(
    (a, b) => a.replica - b.replica || ORDER.indexOf(a.role) - ORDER.indexOf(b.role),
  );
};

const ORDER: readonly ContainerRole[] = ['serving', 'candidate', 'draining', 'failed', 'retired'];

/** Since when, and until when, the container takes no new connections. */
const drainOf = (c: ServiceContext, container: Container): RunningReplica['drain'] => {
  const sinceMs = c.record.drains?.[container.id];
  if (sinceMs === undefined || !isUp(container)) return undefined;
  const isCounted = c.input.actual.edges.some((e) => e.state !== undefined);
  return {
    sinceMs,
    untilMs: sinceMs + c.service.drainMs,
    sessions: isCounted ? sessionsOf(c.input.actual, container.id) : undefined,
  };
};

const roleOf = (c: ServiceContext, goal: Goal, container: Container): ContainerRole => {
  const release = container.owner?.release;
  if (failureOf(c.record, release ?? '') && c.record.good[0]?.release.id !== release) return 'failed';
  const isTarget = goal.kind !== 'freeze' && goal.target?.id === release;
  if (goal.kind === 'forward' && isTarget) return isInRotation(c, container) ? 'serving' : 'candidate';
  if (isUp(container)) return isProven(c, container) || isInRotation(c, container) ? 'serving' : 'candidate';
  return isTarget && goal.kind === 'keep' ? 'serving' : 'retired';
};

/** Whether the edge sends to the container: then it serves, even if it is not proved yet. */
const isInRotation = (c: ServiceContext, container: Container): boolean =>
  serversOf(c.input.actual, container.id).some((s) => s.admin === 'ready');

export const replicaOf = (container: Container, role: ContainerRole): RunningReplica => ({
  replica: container.owner?.replica ?? 0,
  container: refOf(container),
  release: container.owner?.release ?? '',
  version: container.owner?.version ?? '',
  state: container.state,
  health: container.detail?.health ?? 'none',
  role,
  sinceMs: isUp(container) ? container.detail?.startedAtMs : container.detail?.finishedAtMs,
});
