import type { Decision } from '../plan/host-plan.ts';
import { isoTime } from '../time.ts';
import { isUnderWay } from '../vocabulary/reasons.ts';
import type { DecisionStatus } from './status-document.ts';

export interface DecisionReport extends Omit<DecisionStatus, 'until'> {
  readonly untilMs: number | null;
  readonly rolledBack: { readonly from: string; readonly to: string } | null;
}

export const decisionMembers = ({
  outcome,
  reason,
  message,
  advice,
  untilMs,
}: DecisionReport): DecisionStatus => ({
  outcome,
  reason,
  message,
  advice,
  until: untilMs === null ? null : isoTime(untilMs),
});

const NOTHING = { reason: null, message: null, advice: null, untilMs: null, rolledBack: null } as const;

/** A decision as documents report it. */
export const describeDecision = (decision: Decision): DecisionReport => {
  switch (decision.kind) {
    case 'converged':
      return { ...NOTHING, outcome: 'converged', message: decision.message ?? null };
    case 'act':
      return { ...NOTHING, outcome: 'progressing', reason: decision.actions[0].kind, message: decision.why };
    case 'wait': {
      return {
        ...NOTHING,
        outcome: isUnderWay(decision.reason) ? 'progressing' : 'waiting',
        reason: decision.reason,
        message: decision.message,
        untilMs: decision.until ?? null,
      };
    }
    case 'blocked':
      return {
        ...NOTHING,
        outcome: 'blocked',
        reason: decision.reason,
        message: decision.message,
        advice: decision.advice,
        untilMs: decision.until ?? null,
      };
    case 'rolled-back':
      return {
        ...NOTHING,
        outcome: 'rolled-back',
        reason: 'quarantined',
        message: decision.message,
        advice: decision.advice,
        rolledBack: { from: decision.from, to: decision.to },
      };
  }
};
