import type { EpochMs } from '../time.ts';
import type { Action } from './action.ts';
import type { Verdict } from './container-health.ts';
import { blocked, wait } from './gate.ts';
import type { Decision } from './host-plan.ts';
import type { BlockReason, WaitReason } from '../vocabulary/reasons.ts';

/** What one replica's slot needs next. */
export type Step =
  | { readonly kind: 'act'; readonly actions: readonly [Action, ...Action[]]; readonly why: string }
  | { readonly kind: 'stuck'; readonly decision: Decision }
  | { readonly kind: 'judged'; readonly verdict: Verdict };

export const isSome = <T>(list: readonly T[]): list is readonly [T, ...T[]] => list.length > 0;
export const some = <T>(list: readonly T[]): readonly [T, ...T[]] | undefined =>
  isSome(list) ? list : undefined;

export const act = (actions: readonly [Action, ...Action[]], why: string) =>
  ({ kind: 'act', actions, why }) as const;

/** Returns undefined if there is no action. */
export const actIfAny = (actions: readonly Action[], why: string) => {
  const list = some(actions);
  return list && act(list, why);
};

export const stuck = (decision: Decision): Step => ({ kind: 'stuck', decision });

export const blockedStep = (reason: BlockReason, message: string, advice: string): Step =>
  stuck(blocked(reason, message, advice));

export const pending = (reason: WaitReason, message: string, until: EpochMs): Step => ({
  kind: 'judged',
  verdict: { kind: 'pending', reason, message, until, probes: [] },
});

/** Merges the steps of all slots: every action that can be taken, else the first obstacle. */
export const merge = (steps: readonly Step[]): Decision | undefined => {
  const acts = steps.filter((s) => s.kind === 'act');
  const actions = some(acts.flatMap((s) => s.actions));
  if (actions) return act(unique(actions), acts[0]?.why ?? '');
  return steps.find((s) => s.kind === 'stuck')?.decision;
};

/** Replicas that need the same image, network or volume need it once. */
const unique = (actions: readonly [Action, ...Action[]]): readonly [Action, ...Action[]] => {
  const seen = new Set<string>();
  const [first, ...rest] = actions;
  seen.add(JSON.stringify(first));
  return [first, ...rest.filter((a) => !seen.has(JSON.stringify(a)) && seen.add(JSON.stringify(a)))];
};

/** What the pending replicas wait for, with the message of the first one. */
export const pendingOf = (steps: readonly Step[]): Decision => {
  const verdicts = steps.flatMap((s) =>
    s.kind === 'judged' && s.verdict.kind === 'pending' ? [s.verdict] : [],
  );
  const first = verdicts[0];
  if (!first) return wait('health', 'waiting for the engine');
  const until = Math.min(...verdicts.map((p) => p.until));
  return { kind: 'wait', reason: first.reason ?? 'health', message: first.message, until };
};
