import type { Container } from '../state/actual.ts';
import { isDrainActive } from '../state/ledger.ts';
import type { Action } from './action.ts';
import type { Goal } from './goal.ts';
import { hasBegun, type ServiceContext } from './plan-input.ts';
import { stateActions } from './edge/connection-draining.ts';
import { armIfNeeded, isUp, refOf } from './slot.ts';
import { type Step, act, isSome } from './step.ts';

/** True also of a container that a rollback takes back before it was removed. */
const BACK = 'it comes back into service';

/** Whether we drained and stopped it: it did not end by itself. */
export const wasDrained = ({ record }: ServiceContext, current: Container | undefined): boolean =>
  current !== undefined && record.drains?.[current.id] !== undefined;

/** Whether it was stopped by a drain and started again, but does not count as serving yet. */
export const isRestarted = ({ record }: ServiceContext, { id, detail }: Container): boolean =>
  (detail?.startedAtMs ?? 0) > (record.drains?.[id] ?? Infinity);

/** Why a present container is repaired. A drain takes its restart policy away, no hand did. */
export const whyRepaired = (
  c: ServiceContext,
  current: Container,
  repairs: readonly Pick<Action, 'kind'>[],
): string =>
  wasDrained(c, current) && repairs.every(({ kind }) => kind === 'arm')
    ? BACK
    : 'put back what was changed by hand';

/** Why a present container that has run before is started. */
export const whyStarted = (c: ServiceContext, current: Container): string =>
  wasDrained(c, current) ? BACK : 'it was stopped';

const served = (container: Container): Action => ({
  kind: 'drain',
  containers: [refOf(container)],
  draining: false,
});

/** Clients are served again: it is no longer recorded as draining. */
export const inService = (c: ServiceContext, current: Container): Step | undefined =>
  wasDrained(c, current) ? act([served(current)], BACK) : undefined;

/**
 * Whether the container serves although it is recorded as draining: the drain of the host ended before it
 * stopped, and no other container is to take its place.
 */
export const servesOn = (c: ServiceContext, goal: Goal, o: Container): boolean =>
  wasDrained(c, o) &&
  isUp(o) &&
  !isRestarted(c, o) &&
  !isDrainActive(c.input.ledger.drain, c.input.nowMs) &&
  isWanted(c, goal, o) &&
  !hasSuccessor(c, o);

const isWanted = (c: ServiceContext, goal: Goal, { owner }: Container): boolean => {
  if ((owner?.replica ?? 0) > c.service.replicas) return false;
  if (goal.kind === 'keep') return goal.target?.id === owner?.release;
  return goal.kind === 'forward' && !hasBegun(c, goal.release.id);
};

const hasSuccessor = ({ record, own }: ServiceContext, { id, owner }: Container): boolean => {
  const sinceMs = record.drains?.[id] ?? 0;
  return own.some(
    (o) =>
      o.id !== id && o.owner?.replica === owner?.replica && (record.drains?.[o.id] ?? Infinity) > sinceMs,
  );
};

/** Lets a release that serves on get connections again, before the next release begins. */
export const serveOn = (c: ServiceContext, goal: Goal): Extract<Step, { kind: 'act' }> | undefined => {
  const actions = c.own
    .filter((o) => servesOn(c, goal, o))
    .flatMap((o) => [...stateActions(c.input, o, 'ready'), ...(armIfNeeded(o) ?? []), served(o)]);
  return isSome(actions) ? act(actions, BACK) : undefined;
};
