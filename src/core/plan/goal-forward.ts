import type { Container } from '../state/actual.ts';
import type { EpochMs } from '../time.ts';
import type { Action } from './action.ts';
import type { Forward } from './goal.ts';
import { serveOn } from './back-in-service.ts';
import { dependenciesOf } from './dependency.ts';
import { adoptionRefusal, switchRefusal } from './prepare.ts';
import { drainActions, drain, drainedOf, stateActions } from './edge/connection-draining.ts';
import { isStandingBy, startFirst } from './start-first.ts';
import { serversOf } from './edge/edge-view.ts';
import { wait } from './gate.ts';
import { hasBegun, isSpent, type ServiceContext } from './plan-input.ts';
import { releaseImage } from './local-image.ts';
import type { Decision, ServicePlan } from './host-plan.ts';
import { restingFailedStep } from './failed-step.ts';
import { stopFirst } from './stop-first.ts';
import { type Step, act, merge, pendingOf, some } from './step.ts';
import { isExtra, isUp, refOf, slotsOf, type Slot } from './slot.ts';
import { lastGate } from './turn-gate.ts';
import type { TurnNeed } from './turn-need.ts';
import type { FailureReason } from '../vocabulary/reasons.ts';

export interface Forwarded {
  readonly decision: Decision;
  /** Present if it has not begun, and only dependencies and its turn may delay it. */
  readonly turn?: TurnNeed | undefined;
}

/** Brings in a release that has yet to prove itself: batch by batch, then remembered or quarantined. */
export const decideForward = (
  c: ServiceContext,
  goal: Forward,
  plans: ReadonlyMap<string, ServicePlan>,
): Forwarded => {
  if (hasBegun(c, goal.release.id)) return { decision: advance(c, goal) };
  const earlier = serveOn(c, goal) ?? switchRefusal(c, goal.release);
  if (earlier) return { decision: earlier };
  const { obstacle, turn } = lastGate(c, goal, dependenciesOf(c, goal.release, goal.attempt, plans));
  return { decision: obstacle ?? advance(c, goal), ...(turn && { turn }) };
};

const advance = (c: ServiceContext, goal: Forward): Decision => {
  if (c.foreign && !c.foreign.recorded) {
    const refused = adoptionRefusal(c);
    if (refused) return refused;
    return {
      kind: 'act',
      actions: [{ kind: 'adopt', adoption: c.foreign.adoption }],
      why: `${c.foreign.adoption.name} is taken over`,
    };
  }
  const slots = slotsOf(c, goal.target, (o) => isSpent(c, o));
  const desired = slots.filter((s) => !isExtra(c, goal.target, s));
  const condemned = restingFailedStep(c, goal.release.id);
  if (condemned?.action === 'create' && condemned.code === 'RELEASE')
    return quarantine(c, goal, desired, undefined, { reason: 'crashed', message: condemned.message });
  const given = giveBack(c, goal, desired);
  if (given) return given;
  const judged = climb(c, goal, desired);
  const failed = judged.find((j) => j.step.kind === 'judged' && j.step.verdict.kind === 'failed');
  if (failed?.step.kind === 'judged' && failed.step.verdict.kind === 'failed') {
    return quarantine(c, goal, desired, failed.slot, failed.step.verdict);
  }
  const isDone = ({ step }: (typeof judged)[number]): boolean =>
    step.kind === 'judged' && (step.verdict.kind === 'good' || step.verdict.kind === 'completed');
  const open = judged.filter((j) => !isDone(j));
  if (open.length === 0) return finish(c, goal, slots);
  const leaving =
    goal.release.spec.exposure &&
    drainOthers(
      c,
      goal,
      judged.filter(isDone).map((j) => j.slot),
    );
  if (leaving) return leaving;
  const batch = batchOf(
    c,
    open.map((o) => o.slot),
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

interface Climbed {
  readonly slot: Slot;
  readonly step: Step;
}

/** The next step of every slot. With `start-first` the new containers of a batch take their turn together. */
const climb = (c: ServiceContext, goal: Forward, slots: readonly Slot[]): readonly Climbed[] => {
  const { target } = goal;
  if (goal.release.spec.exposure === undefined)
    return slots.map((slot) => ({ slot, step: stopFirst(c, target, slot, false) }));
  const underWay = slots.filter((s) => s.current !== undefined);
  const isTurn = underWay.length > 0 && underWay.every((s) => isStandingBy(c, target, s));
  return slots.map((slot) => ({ slot, step: startFirst(c, target, slot, { isNew: true, isTurn }) }));
};

/** Old containers of a finished batch go first, so that at most `parallelism` extra containers run. */
const drainOthers = (c: ServiceContext, goal: Forward, done: readonly Slot[]): Decision | undefined =>
  drain(
    drainedOf(c, goal.release),
    done.flatMap((s) => s.others),
    'the new one has taken its place',
  );

/** Slots under way come first, then at most `parallelism` slots at a time while old replicas serve. */
const batchOf = (c: ServiceContext, open: readonly Slot[]): readonly Slot[] => {
  const underWay = open.filter((s) => s.current !== undefined);
  if (underWay.length > 0) return underWay;
  const replaces = open.some((s) => s.others.some(isUp));
  const { parallelism } = c.service.update;
  // Only a job is exempt: a service with `restart: "no"` serves like any other.
  const isFree = !replaces || parallelism === 0 || c.isJob;
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
  const until = lastEndMs(c, done) + delayMs;
  return c.input.nowMs < until
    ? wait('delay', `the next batch comes ${String(delayMs / 1000)} s after the last`, until)
    : undefined;
};

/** When the bake of the last batch ended or, without a bake, when the batch started. */
const lastEndMs = (c: ServiceContext, done: readonly Slot[]): EpochMs => {
  const startedMs = Math.max(...done.map((s) => s.current?.detail?.startedAtMs ?? 0));
  // The drains of removed containers are still recorded.
  const switchedMs = Math.max(0, ...Object.values(c.record.drains ?? {}));
  return switchedMs < startedMs ? startedMs : switchedMs + c.service.update.monitorMs;
};

/** Remembers the release once every replica is good; the last old containers go after that. */
const finish = (c: ServiceContext, goal: Forward, slots: readonly Slot[]): Decision => {
  const imageId = slots[0]?.current?.imageId ?? releaseImage(c.input, goal.release)?.id;
  if (imageId === undefined) return wait('image', `fetching ${goal.release.version}`);
  const completed = slots.some((s) => s.current !== undefined && !isUp(s.current));
  return {
    kind: 'act',
    actions: [
      {
        kind: 'remember',
        release: goal.release,
        imageId,
        completed,
        ...(goal.isFallback && { isFallback: true as const }),
      },
    ],
    why: 'every replica is good',
  };
};

const quarantine = (
  c: ServiceContext,
  goal: Forward,
  slots: readonly Slot[],
  slot: Slot | undefined,
  verdict: { readonly reason: FailureReason; readonly message: string },
): Decision => ({
  kind: 'act',
  why: 'the new release is bad',
  actions: [
    {
      kind: 'quarantine',
      failure: {
        release: goal.release.id,
        version: goal.release.version,
        attempt: goal.attempt,
        reason: verdict.reason,
        message: verdict.message,
      },
      containers: slot?.current ? [refOf(slot.current)] : [],
      ...(goal.isFallback && { isFallback: true as const }),
    },
    ...takeBack(c, goal, slots),
  ],
});

/** Puts the old containers back in rotation in the same step, without waiting for the ledger. */
const takeBack = (c: ServiceContext, goal: Forward, slots: readonly Slot[]): readonly Action[] => {
  if (goal.release.spec.exposure !== 'edge') return [];
  return slots
    .map((slot) => ({ slot, olds: provenOf(c, slot.others.filter(isUp)) }))
    .filter(({ olds }) => olds.length > 0)
    .flatMap(({ slot, olds }) => [
      ...olds.flatMap((o) => rejoinActions(c, o)),
      // A new edge may not know the old containers yet. The failed one then stays in rotation until it does.
      ...(slot.current && olds.every((o) => isKnown(c, o))
        ? stateActions(c.input, slot.current, 'drain')
        : []),
    ]);
};

const isKnown = (c: ServiceContext, container: Container): boolean =>
  serversOf(c.input.actual, container.id).length > 0;

/** Containers of the last good release or, if none are left, all. */
const provenOf = (c: ServiceContext, olds: readonly Container[]): readonly Container[] => {
  const proven = olds.filter((o) => o.owner?.release === c.record.good[0]?.release.id);
  return proven.length > 0 ? proven : olds;
};

/** Back in rotation and no longer recorded as draining, so that its next drain begins anew. */
const rejoinActions = (c: ServiceContext, container: Container): readonly Action[] => [
  ...stateActions(c.input, container, 'ready'),
  ...(c.record.drains?.[container.id] === undefined
    ? []
    : [{ kind: 'drain' as const, containers: [refOf(container)], draining: false }]),
];

/**
 * If a release is superseded while it bakes, it is no longer judged. So the last good one serves again until
 * the next release is good, and is back before the other drains.
 */
const giveBack = (c: ServiceContext, goal: Forward, slots: readonly Slot[]): Decision | undefined => {
  const good = c.record.good[0]?.release.id;
  if (goal.release.spec.exposure !== 'edge' || good === undefined || good === goal.release.id)
    return undefined;
  const isServing = (o: Container): boolean =>
    serversOf(c.input.actual, o.id).some((s) => s.admin === 'ready');
  const open = slots.filter((s) => !s.current || !isServing(s.current));
  const split = open.flatMap((s) => {
    const up = s.others.filter(isUp);
    const proven = up.filter((o) => o.owner?.release === good && o.state === 'running' && isKnown(c, o));
    const baking = up.filter((o) => o.owner?.release !== good && isServing(o));
    return proven.length > 0 && baking.length > 0 ? [{ proven, baking }] : [];
  });
  const actions =
    some(split.flatMap(({ proven }) => proven.flatMap((o) => rejoinActions(c, o)))) ??
    some(split.flatMap(({ baking }) => baking.flatMap((o) => drainActions(c, o))));
  return actions && act(actions, 'another release is desired before this one was good');
};
