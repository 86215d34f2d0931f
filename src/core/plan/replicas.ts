import type { Container } from '../state/actual.ts';
import type { Aim } from './aim.ts';
import type { ServiceContext } from './input.ts';
import type { RunningReplica } from './plan.ts';
import { isUp, refOf } from './slot.ts';

/** Every container of a service with the part it plays, for `status` and `explain`; the one that serves comes first. */
export const rolesOf = (c: ServiceContext, aim: Aim): readonly RunningReplica[] =>
  c.own
    .map((container) => replicaOf(container, roleOf(c, aim, container)))
    .toSorted((a, b) => a.replica - b.replica || ORDER.indexOf(a.role) - ORDER.indexOf(b.role));

const ORDER: readonly RunningReplica['role'][] = ['serving', 'candidate', 'failed', 'retired'];

const roleOf = (c: ServiceContext, aim: Aim, container: Container): RunningReplica['role'] => {
  const release = container.owner?.release;
  if (c.record.failure?.release === release && c.record.good[0]?.release.id !== release) return 'failed';
  const isTarget = aim.kind !== 'freeze' && aim.target?.id === release;
  if (aim.kind === 'forward' && isTarget) return 'candidate';
  if (isUp(container)) return 'serving';
  return isTarget && aim.kind === 'keep' ? 'serving' : 'retired';
};

export const replicaOf = (container: Container, role: RunningReplica['role']): RunningReplica => ({
  replica: container.owner?.replica ?? 0,
  container: refOf(container),
  release: container.owner?.release ?? '',
  version: container.owner?.version ?? '',
  state: container.state,
  health: container.detail?.health ?? 'none',
  role,
  sinceMs: isUp(container) ? container.detail?.startedAtMs : container.detail?.finishedAtMs,
});
