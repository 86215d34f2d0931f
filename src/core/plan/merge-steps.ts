import type { Action } from './action.ts';
import { wait } from './gate.ts';
import type { Decision } from './host-plan.ts';
import type { SlotStep } from './stop-first.ts';
import { some } from './slot.ts';

const toDecision = (step: Exclude<SlotStep, { kind: 'judged' }>): Decision =>
  step.kind === 'stuck' ? step.decision : { kind: 'act', actions: step.actions, why: step.why };

/**
 * Steps of several slots: what can be done is done at once; else the first thing that is in the way is told.
 */
export const merge = (steps: readonly SlotStep[]): Decision | undefined => {
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

/** What the replicas that are not good yet wait for; the first one speaks for all. */
export const pendingOf = (steps: readonly SlotStep[]): Decision => {
  const pending = steps.flatMap((s) =>
    s.kind === 'judged' && s.verdict.kind === 'pending' ? [s.verdict] : [],
  );
  const first = pending[0];
  if (!first) return wait('health', 'waiting for the engine');
  const until = Math.min(...pending.map((p) => p.until));
  return {
    kind: 'wait',
    reason: first.reason ?? 'health',
    message: first.message,
    until,
  };
};
