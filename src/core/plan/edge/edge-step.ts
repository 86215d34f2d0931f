import type { EpochMs } from '../../time.ts';
import type { Action } from '../action.ts';
import type { Decision, WaitReason } from '../host-plan.ts';
import type { SlotStep } from '../stop-first.ts';
import { some } from '../slot.ts';

/** One replica's next step. */
export const act = (actions: readonly [Action, ...Action[]], why: string): SlotStep => ({
  kind: 'act',
  actions,
  why,
});

export const pending = (reason: WaitReason, message: string, until: EpochMs): SlotStep => ({
  kind: 'judged',
  verdict: { kind: 'pending', reason, message, until, probes: [] },
});

/** The edge's next step; undefined where nothing is to be done. */
export const actIfAny = (actions: readonly Action[], why: string): Decision | undefined => {
  const list = some(actions);
  return list && { kind: 'act', actions: list, why };
};
