import { isEngineAction } from '../ports/engine.ts';
import { isJob, resolveHost } from '../state/desired.ts';
import { changeLedger } from '../state/ledger-change.ts';
import type { Digest } from '../image/reference.ts';
import type { Action } from './action.ts';
import { planHost } from './host.ts';
import type { PlanInput } from './input.ts';
import type { HostPlan, ServicePlan } from './plan.ts';
import { simulate } from './simulate.ts';

/** One step that would be taken now, in order. `service` is empty for housekeeping. */
export interface Step {
  readonly service: string;
  readonly action: Action;
  readonly why: string;
}

export interface Foresight {
  /** The plan for this moment. */
  readonly now: HostPlan;
  /** All steps until nothing is left to do, if each one succeeds. */
  readonly steps: readonly Step[];
  /** The plan that is left after them: converged, or what stands in the way then. */
  readonly end: HostPlan;
}

const MAX_ROUNDS = 500;

/** Plays a plan through on paper: plan, take every next step as done, plan again. Writes nothing, asks nobody. */
export const foresee = (input: PlanInput): Foresight => {
  const now = planHost(input);
  const steps: Step[] = [];
  let world = input;
  let plan = now;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = stepsOf(plan);
    if (next.length === 0) {
      const later = afterWaiting(world, plan);
      if (!later) break;
      world = later;
    } else {
      steps.push(...next);
      world = next.reduce(taken, world);
    }
    plan = planHost(world);
  }
  return { now, steps, end: plan };
};

export const stepsOf = (plan: HostPlan): readonly Step[] => [
  ...plan.services.flatMap((s) => [
    ...s.staging.map((action) => ({
      service: s.service,
      action,
      why: 'fetched early; the switch may come later',
    })),
    ...(s.decision.kind === 'act'
      ? s.decision.actions.map((action) => ({ service: s.service, action, why: why(s) }))
      : []),
  ]),
  ...plan.housekeeping.map((action) => ({
    service: '',
    action,
    why: action.kind === 'tag-image' ? 'keeps it for a rollback' : 'nothing needs it any more',
  })),
];

const why = (s: ServicePlan): string => (s.decision.kind === 'act' ? s.decision.why : '');

/** A digest that no registry gave: stands for the one that a tag will turn out to mean. */
const UNKNOWN_DIGEST = `sha256:${'0'.repeat(64)}` as Digest;

const taken = (input: PlanInput, { service, action }: Step): PlanInput => {
  const nowMs = input.nowMs + 1;
  if (isEngineAction(action)) return { ...input, nowMs, actual: simulate(input.actual, action, nowMs) };
  const ledger = changeLedger(input.ledger, {
    service,
    action,
    findings: { tag: { kind: 'digest', digest: UNKNOWN_DIGEST } },
    nowMs,
    keepReleases: input.keepReleases,
    serial: input.manifest?.serial ?? 0,
  });
  if (action.kind !== 'resolve-tag') return { ...input, nowMs, ledger };
  const { project, manifest, actual } = input;
  const desired = resolveHost({
    project,
    manifest,
    ledger,
    platform: actual.engine.platform,
  }).services;
  return { ...input, nowMs, ledger, desired };
};

/** Everything that waits for health turns out well: checks pass, jobs end with 0, monitor times go by. */
const afterWaiting = (input: PlanInput, plan: HostPlan): PlanInput | undefined => {
  const waiting = plan.services.filter(
    (s) => s.decision.kind === 'wait' && (s.decision.reason === 'health' || s.decision.reason === 'delay'),
  );
  if (waiting.length === 0) return undefined;
  const names = new Set(waiting.map((s) => s.service));
  const until = Math.max(
    input.nowMs + 1,
    ...waiting.map((s) => (s.decision.kind === 'wait' ? (s.decision.until ?? 0) : 0)),
  );
  const longestMs = Math.max(0, ...Object.values(input.project.services).map((s) => s.update.monitorMs));
  const answered = { ...input.answered };
  const containers = input.actual.containers.map((c) => {
    if (!c.owner || !c.detail || !names.has(c.owner.service) || c.state !== 'running') return c;
    answered[c.id] = c.detail.startedAtMs ?? 0;
    if (isJob(input.project, c.owner.service))
      return { ...c, state: 'exited' as const, detail: { ...c.detail, exitCode: 0 } };
    return {
      ...c,
      detail: { ...c.detail, health: c.detail.health === 'none' ? ('none' as const) : ('healthy' as const) },
    };
  });
  // The deadline is never passed: what is good is good before it.
  const nowMs = waiting.every((s) => s.decision.kind === 'wait' && s.decision.reason === 'delay')
    ? until
    : input.nowMs + longestMs;
  return { ...input, nowMs, answered, actual: { ...input.actual, containers } };
};
