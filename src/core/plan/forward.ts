import type { FailureReason } from '../state/ledger.ts';
import type { Forward } from './aim.ts';
import { dependencyStep } from './dependency.ts';
import { wait } from './gate.ts';
import { hasBegun, isSpent, type ServiceContext } from './input.ts';
import { merge, pendingOf } from './merge.ts';
import { findImage } from './needs.ts';
import type { Decision, ServicePlan } from './plan.ts';
import { settleSlot } from './settle.ts';
import { isExtra, isUp, refOf, slotsOf, type Slot } from './slot.ts';

/** A release that has yet to prove itself: adopted, batch after batch, judged, remembered or quarantined. */
export const decideForward = (
  c: ServiceContext,
  aim: Forward,
  plans: ReadonlyMap<string, ServicePlan>,
): Decision => {
  if (!hasBegun(c, aim.release.id)) {
    const dependency = dependencyStep(c, aim.release, aim.attempt, plans);
    if (dependency) return dependency;
  }
  if (c.foreign && !c.foreign.recorded) {
    if (c.foreign.container.detail?.autoRemove === true) return unadoptable(c.foreign.adoption.name);
    return {
      kind: 'act',
      actions: [{ kind: 'adopt', adoption: c.foreign.adoption }],
      why: `${c.foreign.adoption.name} is taken over`,
    };
  }
  const slots = slotsOf(c, aim.target, (o) => isSpent(c, o));
  const wanted = slots.filter((s) => !isExtra(c, s));
  const judged = wanted.map((slot) => ({ slot, step: settleSlot(c, aim.target, slot, false) }));
  const failed = judged.find((j) => j.step.kind === 'judged' && j.step.verdict.kind === 'failed');
  if (failed?.step.kind === 'judged' && failed.step.verdict.kind === 'failed') {
    return quarantine(aim, failed.slot, failed.step.verdict);
  }
  const isDone = ({ step }: (typeof judged)[number]): boolean =>
    step.kind === 'judged' && (step.verdict.kind === 'good' || step.verdict.kind === 'completed');
  const open = judged.filter((j) => !isDone(j));
  if (open.length === 0) return finish(c, aim, slots);
  const batch = batchOf(
    c,
    open.map((o) => o.slot),
    aim,
  );
  const late = delayUntil(
    c,
    judged.filter(isDone).map((j) => j.slot),
    batch,
  );
  if (late) return late;
  const steps = open.filter((o) => batch.includes(o.slot)).map((o) => o.step);
  return merge(steps) ?? pendingOf(steps);
};

/** Slots under way come first; then, while old replicas serve, at most `parallelism` at a time. */
const batchOf = (c: ServiceContext, open: readonly Slot[], aim: Forward): readonly Slot[] => {
  const underWay = open.filter((s) => s.current !== undefined);
  if (underWay.length > 0) return underWay;
  const replaces = open.some((s) => s.others.some(isUp));
  const { parallelism } = c.service.update;
  const isFree = !replaces || parallelism === 0 || aim.release.spec.container.restart.name === 'no';
  return isFree ? open : open.slice(0, parallelism);
};

const delayUntil = (
  c: ServiceContext,
  done: readonly Slot[],
  batch: readonly Slot[],
): Decision | undefined => {
  const { delayMs } = c.service.update;
  const hasStarted = batch.some((s) => s.current !== undefined);
  if (delayMs === 0 || done.length === 0 || hasStarted) return undefined;
  const last = Math.max(...done.map((s) => s.current?.detail?.startedAtMs ?? 0));
  const until = last + delayMs;
  return c.input.nowMs < until
    ? wait('delay', `the next batch comes ${String(delayMs / 1000)} s after the last`, until)
    : undefined;
};

/** Every replica is good: the release is remembered; only then does anything old go. */
const finish = (c: ServiceContext, aim: Forward, slots: readonly Slot[]): Decision => {
  const imageId = slots[0]?.current?.imageId ?? findImage(c.input.actual.images, aim.release.image)?.id;
  if (imageId === undefined) return wait('image', `fetching ${aim.release.version}`);
  const completed = slots.some((s) => s.current !== undefined && !isUp(s.current));
  return {
    kind: 'act',
    actions: [{ kind: 'remember', release: aim.release, imageId, completed }],
    why: 'every replica is good',
  };
};

const quarantine = (
  aim: Forward,
  slot: Slot,
  verdict: { readonly reason: FailureReason; readonly message: string },
): Decision => ({
  kind: 'act',
  why: 'the new release is bad',
  actions: [
    {
      kind: 'quarantine',
      failure: {
        release: aim.release.id,
        version: aim.release.version,
        attempt: aim.attempt,
        reason: verdict.reason,
        message: verdict.message,
      },
      containers: slot.current ? [refOf(slot.current)] : [],
    },
  ],
});

/** Stopping it would remove it, and with it the way back. */
const unadoptable = (name: string): Decision => ({
  kind: 'blocked',
  reason: 'adoption',
  message: `${name} was started with --rm: stopping it would remove it, and there would be no way back to it`,
  advice: `remove it yourself when that is meant (docker stop ${name}); the service then starts without it`,
});
