import { isHoldActive } from '../state/ledger.ts';
import { goalOf, keepMeanwhile, type Goal, type Keep } from './goal.ts';
import { decideForward } from './goal-forward.ts';
import { demandOf, type EdgeDemand } from './edge/demand.ts';
import { answersNow } from './edge/edge-view.ts';
import { drainedDecision, holdDecision } from './gate.ts';
import { readinessOf } from './readiness.ts';
import { decideDrained } from './host-drain.ts';
import { hasBegun, isSpent, failedStepKey, type ServiceContext } from './plan-input.ts';
import { decideKeep } from './goal-keep.ts';
import { isServing } from './outage.ts';
import type { Container } from '../state/actual.ts';
import type { Verdict } from './container-health.ts';
import type { Decision, ServicePlan, Availability } from './host-plan.ts';
import { rolesOf } from './container-roles.ts';
import { selfDecision } from './agent-container.ts';
import { afterFailedStep } from './failed-step.ts';
import { verdictOf } from './stop-first.ts';
import { switchingOf } from './switching.ts';
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
  const judged = judge(c, followed);
  const plan: ServicePlan = {
    service: c.service.name,
    declared: true,
    ...decided,
    staging: goal.kind === 'freeze' ? [] : goal.staging,
    desired:
      desired.kind === 'release'
        ? { release: desired.release.id, version: desired.release.version }
        : undefined,
    ...(desired.kind === 'release' && { switching: switchingOf(c, desired) }),
    running,
    availability,
    readiness: readinessOf(
      c,
      { ...decided, running, availability },
      { hasEdgePorts: demand.frontends.length > 0, silent: silentIn(c, judged) },
    ),
    probes: judged.flatMap(({ verdict }) => ('probes' in verdict ? (verdict.probes ?? []) : [])),
  };
  return { plan, demand };
};

const availabilityOf = (c: ServiceContext, running: ServicePlan['running']): Availability => ({
  mustServe: !c.isJob && c.service.replicas > 0 && c.record.good[0]?.completed !== true,
  isServed: isServing({ running }) || (c.foreign !== undefined && isUp(c.foreign.container)),
  hasServed: c.record.good.length > 0 || c.own.some((o) => isProven(c, o)),
});

interface Judged {
  readonly container: Container | undefined;
  readonly verdict: Verdict;
}

const judge = (c: ServiceContext, goal: Goal): readonly Judged[] => {
  const target = goal.kind === 'freeze' ? undefined : goal.target;
  if (!target?.release) return [];
  return slotsOf(c, target, (o) => goal.kind === 'forward' && isSpent(c, o)).map((slot) => ({
    container: slot.current,
    verdict: verdictOf(c, target, slot),
  }));
};

/**
 * Containers that have yet to answer since they were started. If this agent began later, it does not know
 * before a probe fails: then a service that load balancers hear of stays as it is.
 */
const silentIn = ({ input, service }: ServiceContext, judged: readonly Judged[]): ReadonlySet<string> => {
  const isHeard = answersNow(input.actual)?.[service.name]?.isUp === true;
  const isKnown = ({ id, detail }: Container): boolean =>
    (detail?.startedAtMs ?? 0) >= input.watchingSinceMs || input.unanswered[id] !== undefined;
  return new Set(
    judged.flatMap(({ container, verdict }) => {
      const isSilent = verdict.kind === 'pending' || verdict.kind === 'failed';
      return container && isSilent && (!isHeard || isKnown(container)) ? [container.id] : [];
    }),
  );
};

type Decided = Pick<ServicePlan, 'decision' | 'target' | 'turn'>;

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
      const { decision, turn } = decideForward(c, goal, plans);
      const forward = { ...rested(c, goal.target.id, decision), ...(turn && { turn }) };
      const isStuck = forward.decision.kind === 'wait' || forward.decision.kind === 'blocked';
      if (!isStuck || hasBegun(c, goal.release.id)) return { ...forward, followed: goal };
      const meanwhile = keepMeanwhile(c, goal.release, forward.decision);
      if (meanwhile.kind === 'forward') return decide(c, meanwhile, plans);
      return {
        ...rested(c, keptId(c, meanwhile), decideKeep(c, meanwhile)),
        ...(turn && { turn }),
        followed: goal,
      };
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
