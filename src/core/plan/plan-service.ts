import { isHoldActive } from '../state/ledger.ts';
import { aimOf, keepMeanwhile, type Aim, type Keep } from './goal.ts';
import { decideForward } from './forward.ts';
import { shareOf, type EdgeShare } from './edge/demand.ts';
import { holdDecision } from './gate.ts';
import { hasBegun, isSpent, setbackKey, type ServiceContext } from './plan-input.ts';
import { decideKeep } from './keep.ts';
import { isServing } from './outage.ts';
import type { Decision, ProbeRequest, ServicePlan, Standing } from './host-plan.ts';
import { rolesOf } from './container-roles.ts';
import { selfDecision } from './agent-container.ts';
import { afterSetback } from './failed-step.ts';
import { verdictOf } from './stop-first.ts';
import { isUp, slotsOf } from './slot.ts';
import { isProven } from './unproved-release.ts';

/** One declared service. `plans` holds the services it depends on, planned before it. */
export const planService = (
  c: ServiceContext,
  plans: ReadonlyMap<string, ServicePlan>,
): { readonly plan: ServicePlan; readonly share: EdgeShare } => {
  const desired = c.input.desired[c.service.name] ?? { kind: 'unpublished', message: 'not resolved yet' };
  const hold = c.input.ledger.hold;
  const holdAll = isHoldActive(hold, c.input.nowMs) && hold.all ? holdDecision(c.input) : undefined;
  const frozen = selfDecision([...c.own, ...(c.foreign ? [c.foreign.container] : [])]) ?? holdAll;
  const aim: Aim = frozen ? { kind: 'freeze', settled: frozen } : aimOf(c, desired);
  const { followed, ...decided } = decide(c, aim, plans);
  const running = rolesOf(c, followed);
  const plan: ServicePlan = {
    service: c.service.name,
    declared: true,
    ...decided,
    staging: aim.kind === 'freeze' ? [] : aim.staging,
    desired:
      desired.kind === 'release'
        ? { release: desired.release.id, version: desired.release.version }
        : undefined,
    running,
    standing: standingOf(c, running),
    probes: probesOf(c, followed),
  };
  return { plan, share: shareOf(c, followed) };
};

const standingOf = (c: ServiceContext, running: ServicePlan['running']): Standing => ({
  isWanted: !c.isJob && c.service.replicas > 0 && c.record.good[0]?.completed !== true,
  isServed: isServing({ running }) || (c.foreign !== undefined && isUp(c.foreign.container)),
  hasServed: c.record.good.length > 0 || c.own.some((o) => isProven(c, o)),
});

const probesOf = (c: ServiceContext, aim: Aim): readonly ProbeRequest[] => {
  const target = aim.kind === 'freeze' ? undefined : aim.target;
  if (!target?.release) return [];
  return slotsOf(c, target, (o) => aim.kind === 'forward' && isSpent(c, o)).flatMap((slot) => {
    const verdict = verdictOf(c, target, slot);
    return verdict.kind === 'pending' ? verdict.probes : [];
  });
};

type Decided = Pick<ServicePlan, 'decision' | 'target'>;

/**
 * `followed`: the aim behind the decision. Where the wanted release can't begin, it may be an earlier one
 * that has its chance.
 */
const decide = (
  c: ServiceContext,
  aim: Aim,
  plans: ReadonlyMap<string, ServicePlan>,
): Decided & { readonly followed: Aim } => {
  switch (aim.kind) {
    case 'freeze':
      return { decision: aim.settled, target: undefined, followed: aim };
    case 'keep':
      return { ...rested(c, keptId(c, aim), decideKeep(c, aim)), followed: aim };
    case 'forward': {
      const forward = rested(c, aim.target.id, decideForward(c, aim, plans));
      const isStuck = forward.decision.kind === 'wait' || forward.decision.kind === 'blocked';
      if (!isStuck || hasBegun(c, aim.release.id)) return { ...forward, followed: aim };
      const meanwhile = keepMeanwhile(c, aim.release, forward.decision);
      if (meanwhile.kind === 'forward') return decide(c, meanwhile, plans);
      return { ...rested(c, keptId(c, meanwhile), decideKeep(c, meanwhile)), followed: aim };
    }
  }
};

const rested = (c: ServiceContext, target: string | undefined, decision: Decision): Decided => ({
  target,
  decision: afterSetback(c.input, setbackKey(c.service.name, target ?? ''), decision),
});

/** A foreign container that comes back is kept by its own id. */
const keptId = (c: ServiceContext, aim: Keep): string | undefined =>
  aim.target?.id ?? (aim.restoreForeign ? c.foreign?.adoption.containerId : undefined);
