import { isHoldActive } from '../state/ledger.ts';
import { goalOf, keepMeanwhile, type Goal, type Keep } from './goal.ts';
import { decideForward } from './goal-forward.ts';
import { demandOf, type EdgeDemand } from './edge/demand.ts';
import { drainedDecision, holdDecision } from './gate.ts';
import { readinessOf } from './readiness.ts';
import { decideDrained } from './host-drain.ts';
import { hasBegun, isSpent, failedStepKey, type ServiceContext } from './plan-input.ts';
import { decideKeep } from './goal-keep.ts';
import { isServing } from './outage.ts';
import type { Decision, ProbeRequest, ServicePlan, Availability } from './host-plan.ts';
import { rolesOf } from './container-roles.ts';
import { selfDecision } from './agent-container.ts';
import { afterFailedStep } from './failed-step.ts';
import { verdictOf } from './stop-first.ts';
import { isUp, slotsOf } from './slot.ts';
import { isProven } from './unproved-release.ts';

/** Plans one declared service. `plans` holds the services that it depends on. */
export const planService = (
  c: ServiceContext,
  plans: ReadonlyMap<string, ServicePlan>,
): { readonly plan: ServicePlan; readonly demand: EdgeDemand } => {
  const desired = c.input.desired[c.service.name] ?? { kind: 'unpublished', message: 'not resolved yet' };
  const hold = c.input.ledger.hold;
  const holdAll = isHoldActive(hold, c.input.nowMs) && hold.all ? holdDecision(c.input) : undefined;
  const frozen = selfDecision([...c.own, ...(c.foreign ? [c.foreign.container] : [])]) ?? holdAll;
  const goal: Goal = frozen ? { kind: 'freeze', settled: frozen } : goalOf(c, desired);
  const { followed, ...decided } = (frozen ? undefined : drained(c, goal)) ?? decide(c, goal, plans);
  const running = rolesOf(c, followed);
  const availability = availabilityOf(c, running);
  const demand = demandOf(c, followed);
  const plan: ServicePlan = {
    service: c.service.name,
    declared: true,
    ...decided,
    staging: goal.kind === 'freeze' ? [] : goal.staging,
    desired:
      desired.kind === 'release'
        ? { release: desired.release.id, version: desired.release.version }
        : undefined,
    running,
    availability,
    readiness: readinessOf(c, { ...decided, running, availability }, demand.frontends.length > 0),
    probes: probesOf(c, followed),
  };
  return { plan, demand };
};

const availabilityOf = (c: ServiceContext, running: ServicePlan['running']): Availability => ({
  mustServe: !c.isJob && c.service.replicas > 0 && c.record.good[0]?.completed !== true,
  isServed: isServing({ running }) || (c.foreign !== undefined && isUp(c.foreign.container)),
  hasServed: c.record.good.length > 0 || c.own.some((o) => isProven(c, o)),
});

const probesOf = (c: ServiceContext, goal: Goal): readonly ProbeRequest[] => {
  const target = goal.kind === 'freeze' ? undefined : goal.target;
  if (!target?.release) return [];
  return slotsOf(c, target, (o) => goal.kind === 'forward' && isSpent(c, o)).flatMap((slot) => {
    const verdict = verdictOf(c, target, slot);
    return 'probes' in verdict ? (verdict.probes ?? []) : [];
  });
};

type Decided = Pick<ServicePlan, 'decision' | 'target'>;

/** `followed` is the goal behind the decision: an earlier release if the desired one cannot begin. */
const decide = (
  c: ServiceContext,
  goal: Goal,
  plans: ReadonlyMap<string, ServicePlan>,
): Decided & { readonly followed: Goal } => {
  switch (goal.kind) {
    case 'freeze':
      return { decision: goal.settled, target: undefined, followed: goal };
    case 'keep':
      return { ...rested(c, keptId(c, goal), decideKeep(c, goal)), followed: goal };
    case 'forward': {
      const forward = rested(c, goal.target.id, decideForward(c, goal, plans));
      const isStuck = forward.decision.kind === 'wait' || forward.decision.kind === 'blocked';
      if (!isStuck || hasBegun(c, goal.release.id)) return { ...forward, followed: goal };
      const meanwhile = keepMeanwhile(c, goal.release, forward.decision);
      if (meanwhile.kind === 'forward') return decide(c, meanwhile, plans);
      return { ...rested(c, keptId(c, meanwhile), decideKeep(c, meanwhile)), followed: goal };
    }
  }
};

/** What had begun when the host was drained is finished first. */
const drained = (c: ServiceContext, goal: Goal): ReturnType<typeof decide> | undefined => {
  const settled = drainedDecision(c.input);
  const hasBegunOne = goal.kind === 'forward' && hasBegun(c, goal.release.id);
  if (!settled || c.isJob || hasBegunOne) return undefined;
  const target = goal.kind === 'freeze' ? undefined : goal.target;
  const decision = decideDrained(c, target, settled);
  return { ...rested(c, target?.id, decision), followed: goal };
};

const rested = (c: ServiceContext, target: string | undefined, decision: Decision): Decided => ({
  target,
  decision: afterFailedStep(c.input, failedStepKey(c.service.name, target ?? ''), decision),
});

/** A foreign container that comes back is known by its own id. */
const keptId = (c: ServiceContext, goal: Keep): string | undefined =>
  goal.target?.id ?? (goal.restoreForeign ? c.foreign?.adoption.containerId : undefined);
