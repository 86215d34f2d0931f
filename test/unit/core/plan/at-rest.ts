import { expect } from 'vitest';
import { planHost } from '../../../../src/core/plan/plan-host.ts';
import type { PlanInput } from '../../../../src/core/plan/plan-input.ts';
import { isAtRest, type HostPlan } from '../../../../src/core/plan/host-plan.ts';

const LATER_MS = [1, 1_000, 60_000, 3_600_000, 10 * 365 * 86_400_000];

/** What the agent relies on when it keeps such a plan. */
export const restsForEver = (plan: HostPlan, input: PlanInput): void => {
  if (!isAtRest(plan)) return;
  for (const ms of LATER_MS) expect(planHost({ ...input, nowMs: input.nowMs + ms })).toEqual(plan);
};
