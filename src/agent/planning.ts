import { isDeepStrictEqual } from 'node:util';
import { planHost } from '../core/plan/plan-host.ts';
import type { PlanInput } from '../core/plan/plan-input.ts';
import { isAtRest, type HostPlan } from '../core/plan/host-plan.ts';
import { resolveHost, type DesiredHost, type DesiredInput } from '../core/state/desired.ts';

export interface Planning {
  readonly resolve: (input: DesiredInput) => DesiredHost;
  readonly plan: (input: PlanInput) => HostPlan;
}

/**
 * Reuses results while the input is equal, as in most passes: both functions are pure, and a plan at rest
 * does not depend on the time. That saves two thirds of an idle pass with a hundred containers.
 */
export const createPlanning = (): Planning => {
  let resolved: { readonly input: DesiredInput; readonly desired: DesiredHost } | undefined;
  let planned: { readonly input: PlanInput; readonly plan: HostPlan } | undefined;
  return {
    resolve: (input) => {
      if (!resolved || !isDeepStrictEqual(resolved.input, input))
        resolved = { input, desired: resolveHost(input) };
      return resolved.desired;
    },
    plan: (input) => {
      const isKnown =
        planned &&
        isAtRest(planned.plan) &&
        isDeepStrictEqual(withoutTime(planned.input), withoutTime(input));
      if (!planned || !isKnown) planned = { input, plan: planHost(input) };
      return planned.plan;
    },
  };
};

const withoutTime = (input: PlanInput): PlanInput => ({ ...input, nowMs: 0 });
