import { isEdgeAction, isEngineAction } from '../ports/engine.ts';
import type { EdgeSeen } from '../state/actual.ts';
import { isJob, resolveHost } from '../state/desired.ts';
import { changeLedger } from '../state/ledger-change.ts';
import type { Digest } from '../image/reference.ts';
import type { Action } from './action.ts';
import { withChangedAnswers } from './edge/answer-changes.ts';
import { planHost } from './plan-host.ts';
import type { PlanInput } from './plan-input.ts';
import { type Decision, type HostPlan } from './host-plan.ts';
import { simulate } from './simulate.ts';
import { isShortWait, type WaitReason } from '../vocabulary/reasons.ts';

/** One step of a dry run. `service` is empty for the edge and for housekeeping. */
export interface Step {
  readonly part: 'service' | 'edge' | 'housekeeping';
  readonly service: string;
  readonly action: Action;
  readonly why: string;
  /** What load balancers hear otherwise after it. */
  readonly heard?: string;
}

export interface DryRun {
  /** The plan for this moment. */
  readonly now: HostPlan;
  /** All steps until nothing is left to do, if each one succeeds. */
  readonly steps: readonly Step[];
  /** The plan after these steps: converged, or what stands in the way then. */
  readonly end: HostPlan;
}

const MAX_ROUNDS = 500;

/** Plays a plan through: plan, simulate every next step, plan again. Writes nothing and calls nothing. */
export const dryRun = (input: PlanInput): DryRun => {
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
  return { now, steps: withChangedAnswers(input, steps), end: plan };
};

export const stepsOf = (plan: HostPlan): readonly Step[] => [
  ...plan.services.flatMap((s) => [
    ...s.staging.map((action) => ({
      part: 'service' as const,
      service: s.service,
      action,
      why: 'fetched early; the switch may come later',
    })),
    ...(s.decision.kind === 'act'
      ? s.decision.actions.map((action) => ({
          part: 'service' as const,
          service: s.service,
          action,
          why: why(s.decision),
        }))
      : []),
  ]),
  ...(plan.edge?.decision.kind === 'act' ? plan.edge.decision.actions : []).map((action) => ({
    part: 'edge' as const,
    service: '',
    action,
    why: plan.edge ? why(plan.edge.decision) : '',
  })),
  ...plan.housekeeping.map((action) => ({
    part: 'housekeeping' as const,
    service: '',
    action,
    why: action.kind === 'tag-image' ? 'keeps it for a rollback' : 'nothing needs it any more',
  })),
];

const why = (decision: Decision): string => (decision.kind === 'act' ? decision.why : '');

/** Stands for the digest that a tag turns out to mean. */
const UNKNOWN_DIGEST = `sha256:${'0'.repeat(64)}` as Digest;

const taken = (input: PlanInput, { service, action }: Step): PlanInput => {
  const nowMs = input.nowMs + 1;
  if (isEngineAction(action) || isEdgeAction(action))
    return { ...input, nowMs, actual: simulate(input.actual, action, nowMs) };
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

/** Every wait that ends by itself ends well: checks pass, jobs end with 0, monitor times and sessions end. */
const afterWaiting = (input: PlanInput, plan: HostPlan): PlanInput | undefined => {
  const waiting = plan.services.filter((s) => endsByItself(s.decision));
  const decisions = [...waiting.map((s) => s.decision), ...(plan.edge ? [plan.edge.decision] : [])];
  if (!decisions.some(endsByItself)) return undefined;
  const names = new Set(waiting.map((s) => s.service));
  const longestMs = Math.max(0, ...Object.values(input.project.services).map((s) => s.update.monitorMs));
  const answered = { ...input.answered };
  const containers = input.actual.containers.map((container) => {
    if (
      !container.owner ||
      !container.detail ||
      !names.has(container.owner.service) ||
      container.state !== 'running'
    )
      return container;
    answered[container.id] = container.detail.startedAtMs ?? 0;
    if (isJob(input.project, container.owner.service))
      return { ...container, state: 'exited' as const, detail: { ...container.detail, exitCode: 0 } };
    return {
      ...container,
      detail: {
        ...container.detail,
        health: container.detail.health === 'none' ? ('none' as const) : ('healthy' as const),
      },
    };
  });
  // Only waits for a time move the clock to their end: a check passes before its deadline.
  const times = decisions.flatMap((d) =>
    d.kind === 'wait' && BY_TIME.has(d.reason) && d.until !== undefined ? [d.until] : [],
  );
  const nowMs = Math.max(input.nowMs + (times.length === decisions.length ? 1 : longestMs), ...times);
  const actual = { ...input.actual, containers, edges: input.actual.edges.map(idle) };
  return { ...input, nowMs, answered, actual };
};

const BY_TIME: ReadonlySet<WaitReason> = new Set(['delay', 'bake', 'drain', 'lead']);

const endsByItself = (d: Decision): boolean =>
  d.kind === 'wait' && d.reason !== 'image' && isShortWait(d.reason);

/** An edge without sessions, with all checks passed. */
const idle = (edge: EdgeSeen): EdgeSeen =>
  edge.state
    ? {
        ...edge,
        state: {
          ...edge.state,
          servers: edge.state.servers.map((s) => ({ ...s, sessions: 0, check: 'L4OK' as const })),
        },
      }
    : edge;
