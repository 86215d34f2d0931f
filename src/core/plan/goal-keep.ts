import type { Container } from '../state/actual.ts';
import type { Keep } from './goal.ts';
import { lostPort } from './lost-ports.ts';
import { isSpent, type ServiceContext, type Target } from './plan-input.ts';
import { drain, drainedOf } from './edge/connection-draining.ts';
import { leadBefore } from './edge/health-lead.ts';
import { startFirst } from './start-first.ts';
import { takenVolumes } from './volumes.ts';
import type { Decision } from './host-plan.ts';
import { restingFailedStep, failedStepOf } from './failed-step.ts';
import { wasDrained } from './back-in-service.ts';
import { stopFirst } from './stop-first.ts';
import { type Step, act, merge, pendingOf } from './step.ts';
import { isExtra, isUp, quiesce, refOf, retire, slotsOf, type Slot } from './slot.ts';

/** Keeps what is good, or merely present, as it should be. */
export const decideKeep = (c: ServiceContext, goal: Keep): Decision => {
  const { target } = goal;
  if (!target) return keepNothing(c, goal);
  const failedStep = restingFailedStep(c, target.id) ? undefined : failedStepOf(c, target.id);
  // Its address or network may be gone for good, so another container of the release takes its place.
  const unstartable =
    failedStep?.action === 'start' && failedStep.code !== 'PORT_TAKEN' ? failedStep.containerId : undefined;
  const slots = slotsOf(
    c,
    target,
    (o) => o.id === unstartable || lostPort(c.input, target.release, o) !== undefined || hasSuccessor(c, o),
  );
  const desired = slots.filter((s) => !isExtra(c, target, s));
  const good = c.record.good[0];
  const isCompleted = good?.completed === true && good.release.id === target.id;
  const steps = desired.map((slot): Step => {
    if (isCompleted && !(slot.current && isUp(slot.current)))
      return { kind: 'judged', verdict: { kind: 'completed' } };
    // A release that is merely present stops no other container. It only disarms those that have stopped.
    const scoped =
      goal.retireOthers || !slot.current ? slot : { ...slot, others: slot.others.filter((o) => !isUp(o)) };
    return target.release?.spec.exposure === undefined
      ? stopFirst(c, target, scoped, hasGivenWay(slot) || wasDrained(c, slot.current))
      : startFirst(c, target, scoped, { isNew: false, isTurn: true });
  });
  const merged = merge(steps);
  if (merged?.kind === 'act') return merged;
  // Nothing goes before its replacement exists; a completed release needs none.
  const isReplaced = (s: Slot): boolean =>
    isCompleted ||
    (target.release?.spec.exposure ? hasTakenOver(steps[desired.indexOf(s)]) : s.current !== undefined);
  const replaced = slots.flatMap((s) =>
    !isExtra(c, target, s) && goal.retireOthers && isReplaced(s) ? s.others : [],
  );
  const surplus = slots.flatMap((s) => (isExtra(c, target, s) ? s.others : []));
  const lead = leadBefore(c, [...replaced, ...surplus]);
  if (lead) return merged ?? lead;
  const why = 'no longer needed';
  const gone = [drain(drainedOf(c, target.release), replaced, why), drain(drainedOf(c), surplus, why)];
  const step = gone.find((d) => d?.kind === 'act');
  const draining = gone.find((d) => d?.kind === 'wait');
  return (
    step ??
    merged ??
    completion(c, target, steps) ??
    problemOf(steps) ??
    draining ??
    settledOf(c, goal, target)
  );
};

/** A container with a volume of another environment runs on, but its service is not converged. */
const settledOf = (c: ServiceContext, { settled }: Keep, { release }: Target): Decision =>
  (settled.kind === 'converged' && release ? takenVolumes(c.input, release) : undefined) ?? settled;

/** It stopped for a younger container of its release, which was created while it ran and starts next. */
const hasSuccessor = (c: ServiceContext, { state, owner, detail }: Container): boolean =>
  state === 'exited' &&
  c.own.some(
    (o) =>
      o.owner?.replica === owner?.replica &&
      o.owner?.release === owner?.release &&
      o.detail?.startedAtMs === undefined &&
      (o.detail?.createdAtMs ?? 0) > (detail?.startedAtMs ?? Infinity) &&
      (o.detail?.createdAtMs ?? Infinity) < (detail?.finishedAtMs ?? 0),
  );

/** Nothing is left to do for the slot: it serves, or an operator has to act. */
const hasTakenOver = (step: Step | undefined): boolean =>
  step?.kind === 'judged' && step.verdict.kind !== 'pending';

/** It did not end by itself: a younger container was to take its place, or it never ran. */
const hasGivenWay = ({ current, others }: Slot): boolean =>
  current?.detail?.startFault !== undefined ||
  others.some((o) => (o.detail?.createdAtMs ?? 0) > (current?.detail?.createdAtMs ?? 0));

/** Records that it ended with 0, so that it does not run again if its container is removed. */
const completion = (c: ServiceContext, target: Target, steps: readonly Step[]): Decision | undefined => {
  const good = c.record.good[0];
  const isOver =
    steps.length > 0 && steps.every((s) => s.kind === 'judged' && s.verdict.kind === 'completed');
  if (!isOver || !good || good.completed || good.release.id !== target.id) return undefined;
  const { release, imageId } = good;
  return {
    kind: 'act',
    actions: [{ kind: 'remember', release, imageId, completed: true }],
    why: 'it has completed',
  };
};

/** A proven release with a problem is reported, never quarantined. */
const problemOf = (steps: readonly Step[]): Decision | undefined => {
  for (const step of steps) {
    if (step.kind !== 'judged') continue;
    const { verdict } = step;
    if (verdict.kind === 'pending') return pendingOf([step]);
    if (verdict.kind === 'failed') {
      const reason = verdict.reason === 'exited' ? 'exited' : 'unhealthy';
      return {
        kind: 'blocked',
        reason,
        message: `it was good and is not any more: ${verdict.message}`,
        advice: 'look at its log (docker logs), or publish another version',
      };
    }
  }
  return undefined;
};

/** Brings back the container that was taken over, or removes a failed first release. */
const keepNothing = (c: ServiceContext, goal: Keep): Decision => {
  if (!goal.restoreForeign || !c.foreign) {
    // Failed containers go, even if the desired release cannot begin yet.
    const retired = retire(goal.retireOthers ? c.own : c.own.filter((o) => isSpent(c, o)));
    return retired ? act(retired, 'the failed release is taken away') : goal.settled;
  }
  const { container, adoption } = c.foreign;
  const quiet = quiesce(c.own);
  if (quiet) return act(quiet, `${adoption.name} comes back`);
  const nameHolder = c.own.find((o) => o.name === adoption.name);
  if (nameHolder)
    return {
      kind: 'act',
      actions: [{ kind: 'remove', container: refOf(nameHolder) }],
      why: 'it has the old name',
    };
  const ref = refOf(container);
  if (container.name !== adoption.name)
    return {
      kind: 'act',
      actions: [{ kind: 'rename', container: ref, to: adoption.name }],
      why: 'it gets its old name back',
    };
  if (container.detail?.restart.name !== adoption.restart.name) {
    return {
      kind: 'act',
      actions: [{ kind: 'arm', container: ref, restart: adoption.restart }],
      why: 'it gets its old restart policy back',
    };
  }
  if (adoption.wasRunning && !isUp(container)) {
    return {
      kind: 'act',
      actions: [{ kind: 'start', container: ref, release: adoption.containerId }],
      why: `${adoption.name} comes back`,
    };
  }
  const retired = retire(c.own);
  return retired ? act(retired, 'the failed release is taken away') : goal.settled;
};
