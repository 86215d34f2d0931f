import { serviceOf, type PlanInput, type FailedStep } from './plan-input.ts';
import { type ServicePlan } from './host-plan.ts';
import { isStubborn } from './failed-step.ts';
import { isUnderWay, type WaitReason } from '../vocabulary/reasons.ts';

/** What a service that never served may wait for: its start was put off on purpose. */
const UNBEGUN: ReadonlySet<WaitReason> = new Set([
  'unpublished',
  'phase',
  'window',
  'freeze',
  'hold',
  'dependency',
  'turn',
  'halted',
]);

/**
 * A service of which nothing serves is reported as down, not as waiting or merely quarantined. Exceptions: a
 * step or judgement under way (`progressing`, with a deadline of its own), a first start that was put off on
 * purpose, and a first image fetch that does not fail again and again.
 */
export const blockedAsDown = (input: PlanInput, plan: ServicePlan): ServicePlan => {
  const { decision, availability } = plan;
  if (!availability?.mustServe || availability.isServed || !isStuck(input, plan)) return plan;
  if (decision.kind === 'blocked' && decision.reason === 'quarantined')
    return {
      ...plan,
      decision: { ...decision, reason: 'down', message: `nothing serves: ${decision.message}` },
    };
  if (decision.kind !== 'wait') return plan;
  const { message, until } = decision;
  return {
    ...plan,
    decision: {
      kind: 'blocked',
      reason: 'down',
      message: `nothing serves: ${message}`,
      advice: adviceFor(decision.reason, plan.service),
      ...(until !== undefined && { until }),
    },
  };
};

const isStuck = (input: PlanInput, { decision, availability, service }: ServicePlan): boolean => {
  if (decision.kind !== 'wait') return true;
  if (decision.reason === 'drained') return false;
  if (isUnderWay(decision.reason)) return false;
  if (availability?.hasServed === true) return true;
  return !UNBEGUN.has(decision.reason) && !isFirstFetch(input, service);
};

const isFetch = ({ action }: FailedStep): boolean => action === 'pull' || action === 'resolve-tag';

const isFirstFetch = (input: PlanInput, service: string): boolean => {
  const own = Object.entries(input.failedSteps).filter(([key]) => serviceOf(key) === service);
  return own.length > 0 && own.every(([, failedStep]) => isFetch(failedStep) && !isStubborn(failedStep));
};

const adviceFor = (reason: WaitReason, service: string): string => {
  if (reason === 'hold') return 'to let it be repaired: supercargo resume';
  if (reason === 'turn' || reason === 'halted')
    return 'to begin without a turn: supercargo switch-now --reason R';
  return `remove the cause; it is tried again by itself, and at once with: supercargo retry ${service}`;
};

export const isServing = ({ running }: Pick<ServicePlan, 'running'>): boolean =>
  running.some(
    (r) =>
      (r.role === 'serving' || r.role === 'draining') && (r.state === 'running' || r.state === 'restarting'),
  );
