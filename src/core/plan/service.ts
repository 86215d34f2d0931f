import { isHoldActive } from '../state/ledger.ts';
import { aimOf, keepMeanwhile, type Aim, type Keep } from './aim.ts';
import { decideForward } from './forward.ts';
import { shareOf, type EdgeShare } from './edge/share.ts';
import { holdDecision } from './gate.ts';
import { hasBegun, isSpent, setbackKey, type ServiceContext } from './input.ts';
import { decideKeep } from './keep.ts';
import type { Decision, ProbeRequest, ServicePlan } from './plan.ts';
import { rolesOf } from './replicas.ts';
import { selfDecision } from './self.ts';
import { afterSetback } from './setback.ts';
import { verdictOf } from './settle.ts';
import { slotsOf } from './slot.ts';

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
  const plan: ServicePlan = {
    service: c.service.name,
    declared: true,
    ...decide(c, aim, plans),
    staging: aim.kind === 'keep' ? aim.staging : [],
    desired:
      desired.kind === 'release'
        ? { release: desired.release.id, version: desired.release.version }
        : undefined,
    running: rolesOf(c, aim),
    probes: probesOf(c, aim),
  };
  return { plan, share: shareOf(c, aim) };
};

const probesOf = (c: ServiceContext, aim: Aim): readonly ProbeRequest[] => {
  const target = aim.kind === 'freeze' ? undefined : aim.target;
  if (!target?.release) return [];
  return slotsOf(c, target, (o) => aim.kind === 'forward' && isSpent(c, o)).flatMap((slot) => {
    const verdict = verdictOf(c, target, slot);
    return verdict.kind === 'pending' ? verdict.probes : [];
  });
};

type Decided = Pick<ServicePlan, 'decision' | 'target'>;

const decide = (c: ServiceContext, aim: Aim, plans: ReadonlyMap<string, ServicePlan>): Decided => {
  switch (aim.kind) {
    case 'freeze':
      return { decision: aim.settled, target: undefined };
    case 'keep':
      return rested(c, keptId(c, aim), decideKeep(c, aim));
    case 'forward': {
      const forward = rested(c, aim.target.id, decideForward(c, aim, plans));
      const isStuck = forward.decision.kind === 'wait' || forward.decision.kind === 'blocked';
      if (!isStuck || hasBegun(c, aim.release.id)) return forward;
      const meanwhile = keepMeanwhile(c, aim.release, forward.decision);
      return rested(c, keptId(c, meanwhile), decideKeep(c, meanwhile));
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
