import { isHoldActive } from '../state/ledger.ts';
import type { Action } from './action.ts';
import { aimOf, keepMeanwhile, type Aim } from './aim.ts';
import { dependencyStep } from './dependency.ts';
import { holdDecision, wait } from './gate.ts';
import { hasBegun, type ServiceContext, type Target } from './input.ts';
import type { Decision, ServicePlan } from './plan.ts';
import { rolesOf } from './replicas.ts';
import { findImage } from './needs.ts';
import { restingSetback, setbackDecision, setbackOf } from './setback.ts';
import { settleSlot, type SlotStep } from './settle.ts';
import { isUp, quiesce, refOf, retire, slotsOf, some, type Slot } from './slot.ts';

type Forward = Extract<Aim, { kind: 'forward' }>;
type Keep = Extract<Aim, { kind: 'keep' }>;

/** One declared service. `plans` holds the services it depends on, planned before it. */
export const planService = (c: ServiceContext, plans: ReadonlyMap<string, ServicePlan>): ServicePlan => {
  const desired = c.input.desired[c.service.name] ?? { kind: 'unpublished', message: 'not resolved yet' };
  const hold = c.input.ledger.hold;
  const holdAll = isHoldActive(hold, c.input.nowMs) && hold.all ? holdDecision(c.input) : undefined;
  const aim: Aim = holdAll ? { kind: 'freeze', then: holdAll } : aimOf(c, desired);
  const decision = decide(c, aim, plans);
  return {
    service: c.service.name,
    declared: true,
    decision,
    target: aim.kind === 'freeze' ? undefined : aim.target?.id,
    staging: aim.kind === 'keep' ? aim.staging : [],
    desired: desired.kind === 'release' ? { release: desired.release.id, version: desired.release.version } : undefined,
    running: rolesOf(c, aim),
  };
};

const decide = (c: ServiceContext, aim: Aim, plans: ReadonlyMap<string, ServicePlan>): Decision => {
  switch (aim.kind) {
    case 'freeze':
      return aim.then;
    case 'keep':
      return afterSetback(c, aim.target, decideKeep(c, aim));
    case 'forward': {
      const decision = afterSetback(c, aim.target, decideForward(c, aim, plans));
      const isStuck = decision.kind === 'wait' || decision.kind === 'blocked';
      if (!isStuck || hasBegun(c, aim.release.id)) return decision;
      const meanwhile = keepMeanwhile(c, aim.release, decision);
      return meanwhile.kind === 'keep' ? decideKeep(c, meanwhile) : decision;
    }
  }
};

/** The action that failed is not tried again before its time; every other one may go on. */
const afterSetback = (c: ServiceContext, target: Target | undefined, decision: Decision): Decision => {
  if (decision.kind !== 'act' || !target) return decision;
  const setback = restingSetback(c, target.id);
  const isSame = setback && decision.actions.some((a) => a.kind === setback.action);
  return isSame ? setbackDecision(setback) : decision;
};

const toDecision = (step: Exclude<SlotStep, { kind: 'judged' }>): Decision =>
  step.kind === 'stuck' ? step.decision : { kind: 'act', actions: step.actions, why: step.why };

/** Steps of several slots: what can be done is done at once; else the first thing that is in the way is told. */
const merge = (steps: readonly SlotStep[]): Decision | undefined => {
  const acts = steps.filter((s) => s.kind === 'act');
  const actions = some(acts.flatMap((s) => s.actions));
  if (actions) return { kind: 'act', actions: unique(actions), why: acts[0]?.why ?? '' };
  const stuck = steps.find((s) => s.kind === 'stuck');
  return stuck && toDecision(stuck);
};

/** Several replicas need the same image, network or volume once. */
const unique = (actions: readonly [Action, ...Action[]]): readonly [Action, ...Action[]] => {
  const seen = new Set<string>();
  const [first, ...rest] = actions;
  seen.add(JSON.stringify(first));
  return [first, ...rest.filter((a) => !seen.has(JSON.stringify(a)) && seen.add(JSON.stringify(a)))];
};

const isExtra = (c: ServiceContext, slot: Slot): boolean => slot.replica > c.service.replicas;

const decideForward = (c: ServiceContext, aim: Forward, plans: ReadonlyMap<string, ServicePlan>): Decision => {
  if (!hasBegun(c, aim.release.id)) {
    const dependency = dependencyStep(c, aim.release, aim.attempt, plans);
    if (dependency) return dependency;
  }
  if (c.foreign && !c.foreign.recorded) {
    return { kind: 'act', actions: [{ kind: 'adopt', adoption: c.foreign.adoption }], why: `${c.foreign.adoption.name} is taken over` };
  }
  const slots = slotsOf(c, aim.target, undefined);
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
  const batch = batchOf(c, open.map((o) => o.slot), aim);
  const late = delayUntil(c, judged.filter(isDone).map((j) => j.slot), batch);
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

const delayUntil = (c: ServiceContext, done: readonly Slot[], batch: readonly Slot[]): Decision | undefined => {
  const { delayMs } = c.service.update;
  const hasStarted = batch.some((s) => s.current !== undefined);
  if (delayMs === 0 || done.length === 0 || hasStarted) return undefined;
  const last = Math.max(...done.map((s) => s.current?.detail?.startedAtMs ?? 0));
  const until = last + delayMs;
  return c.input.nowMs < until ? wait('delay', `the next batch comes ${String(delayMs / 1000)} s after the last`, until) : undefined;
};

const pendingOf = (steps: readonly SlotStep[]): Decision => {
  const pending = steps.flatMap((s) => (s.kind === 'judged' && s.verdict.kind === 'pending' ? [s.verdict] : []));
  const first = pending[0];
  if (!first) return wait('health', 'waiting for the engine');
  const until = Math.min(...pending.map((p) => p.until));
  return { kind: 'wait', reason: 'health', message: first.message, until, probes: pending.flatMap((p) => p.probes) };
};

/** Every replica is good: the release is remembered; only then does anything old go. */
const finish = (c: ServiceContext, aim: Forward, slots: readonly Slot[]): Decision => {
  const imageId = slots[0]?.current?.imageId ?? findImage(c.input.actual.images, aim.release.image)?.id;
  if (imageId === undefined) return wait('image', `fetching ${aim.release.version}`);
  const completed = slots.some((s) => s.current !== undefined && !isUp(s.current));
  return { kind: 'act', actions: [{ kind: 'remember', release: aim.release, imageId, completed }], why: 'every replica is good' };
};

const quarantine = (
  aim: Forward,
  slot: Slot,
  verdict: { reason: 'crashed' | 'unhealthy' | 'not-ready' | 'exited' | 'job-failed'; message: string },
): Decision => ({
  kind: 'act',
  why: 'the new release is bad',
  actions: [
    {
      kind: 'quarantine',
      failure: { release: aim.release.id, version: aim.release.version, attempt: aim.attempt, reason: verdict.reason, message: verdict.message },
      containers: slot.current ? [refOf(slot.current)] : [],
    },
  ],
});

const decideKeep = (c: ServiceContext, aim: Keep): Decision => {
  const { target } = aim;
  if (!target) return keepNothing(c, aim);
  const setback = restingSetback(c, target.id) ? undefined : setbackOf(c, target.id);
  const unstartable = setback?.action === 'start' ? setback.containerId : undefined;
  const slots = slotsOf(c, target, unstartable);
  const wanted = slots.filter((s) => !isExtra(c, s));
  const good = c.record.good[0];
  const isCompleted = good?.completed === true && good.release.id === target.id;
  const steps = wanted.map((slot): SlotStep => {
    if (isCompleted && !(slot.current && isUp(slot.current))) return { kind: 'judged', verdict: { kind: 'completed' } };
    const scoped = aim.retireOthers || !slot.current ? slot : { ...slot, others: [] };
    const isOnlyStopped = slot.others.length > 0 || slot.current?.detail?.startFault !== undefined;
    return settleSlot(c, target, scoped, isOnlyStopped);
  });
  const merged = merge(steps);
  if (merged?.kind === 'act') return merged;
  const leftovers = slots.flatMap((s) => (isExtra(c, s) || aim.retireOthers ? s.others : []));
  const retired = retire(leftovers);
  if (retired) return { kind: 'act', actions: retired, why: 'no longer needed' };
  return merged ?? completion(c, target, steps) ?? toldBy(steps) ?? aim.then;
};

/** It ended with 0: written down, so that it is not run again when somebody removes the container. */
const completion = (c: ServiceContext, target: Target, steps: readonly SlotStep[]): Decision | undefined => {
  const good = c.record.good[0];
  const isOver = steps.length > 0 && steps.every((s) => s.kind === 'judged' && s.verdict.kind === 'completed');
  if (!isOver || !good || good.completed || good.release.id !== target.id) return undefined;
  const { release, imageId } = good;
  return { kind: 'act', actions: [{ kind: 'remember', release, imageId, completed: true }], why: 'it has completed' };
};

/** A known release that does not do well now: told, never quarantined. */
const toldBy = (steps: readonly SlotStep[]): Decision | undefined => {
  for (const step of steps) {
    if (step.kind !== 'judged') continue;
    const { verdict } = step;
    if (verdict.kind === 'pending') return pendingOf([step]);
    if (verdict.kind === 'failed') {
      const reason = verdict.reason === 'exited' ? 'exited' : 'unhealthy';
      return { kind: 'blocked', reason, message: `it was good and is not any more: ${verdict.message}`, advice: 'look at its log (docker logs), then publish another version' };
    }
  }
  return undefined;
};

/** No release to keep: bring back the container that was taken over, or take a failed first release away. */
const keepNothing = (c: ServiceContext, aim: Keep): Decision => {
  if (!aim.restoreForeign || !c.foreign) {
    const retired = aim.retireOthers ? retire(c.own) : undefined;
    return retired ? { kind: 'act', actions: retired, why: 'the failed release is taken away' } : aim.then;
  }
  const { container, adoption } = c.foreign;
  const quiet = quiesce(c.own);
  if (quiet) return { kind: 'act', actions: quiet, why: `${adoption.name} comes back` };
  const squatter = c.own.find((o) => o.name === adoption.name);
  if (squatter) return { kind: 'act', actions: [{ kind: 'remove', container: refOf(squatter) }], why: 'it has the old name' };
  const ref = refOf(container);
  if (container.name !== adoption.name) return { kind: 'act', actions: [{ kind: 'rename', container: ref, to: adoption.name }], why: 'its old name' };
  if (container.detail?.restart.name !== adoption.restart.name) {
    return { kind: 'act', actions: [{ kind: 'arm', container: ref, restart: adoption.restart }], why: 'its old restart policy' };
  }
  if (adoption.wasRunning && !isUp(container)) {
    return { kind: 'act', actions: [{ kind: 'start', container: ref, release: adoption.containerId }], why: `${adoption.name} comes back` };
  }
  const retired = retire(c.own);
  return retired ? { kind: 'act', actions: retired, why: 'the failed release is taken away' } : aim.then;
};

