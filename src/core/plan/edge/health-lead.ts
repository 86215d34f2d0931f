import { isoSeconds } from '../../time.ts';
import type { Container } from '../../state/actual.ts';
import { wait } from '../gate.ts';
import type { PlanInput, ServiceContext } from '../plan-input.ts';
import type { Decision, ServicePlan } from '../host-plan.ts';
import { isPublic, isWell } from '../clients.ts';
import { answersNow } from './edge-view.ts';

type Wait = Extract<Decision, { readonly kind: 'wait' }>;

/**
 * What has to pass before the `leaving` containers may stop, if nothing of their service serves beside them:
 * load balancers hear that it goes out of service, and then have the lead to take notice. `successor` does
 * not serve yet.
 */
export const leadBefore = (
  c: ServiceContext,
  leaving: readonly Container[],
  successor?: Container,
): Wait | undefined => {
  const { health } = c.input.edge;
  if (!health || !isPublic(c)) return undefined;
  const isLeaving = ({ id }: Container): boolean => leaving.some((o) => o.id === id);
  if (!leaving.some(isWell)) return undefined;
  if (c.own.some((o) => o.id !== successor?.id && !isLeaving(o) && isWell(o))) return undefined;
  const { name } = c.service;
  const answer = answersNow(c.input.actual)?.[name];
  if (!answer)
    return wait('edge', `load balancers hear first that ${name} goes out of service: no edge answers yet`);
  if (answer.isUp) return wait('lead', `load balancers hear that ${name} goes out of service`);
  const untilMs = Math.min(answer.sinceMs, c.input.nowMs) + health.leadMs;
  return c.input.nowMs < untilMs
    ? wait('lead', `load balancers stop sending to ${name} until ${isoSeconds(untilMs)}`, untilMs)
    : undefined;
};

/** A service that serves is converged only once load balancers have had the time to notice. */
export const withLeadAfter = (input: PlanInput, plan: ServicePlan): ServicePlan => {
  const { health } = input.edge;
  const { service, decision, clients } = plan;
  if (!health || decision.kind !== 'converged' || clients?.arePublic !== true) return plan;
  const answer = answersNow(input.actual)?.[service];
  if (answer?.isUp !== clients.areServed)
    return {
      ...plan,
      decision: wait('edge', `load balancers hear what ${service} is at: no edge answers yet`),
    };
  const untilMs = Math.min(answer.sinceMs, input.nowMs) + health.leadMs;
  if (!answer.isUp || input.nowMs >= untilMs) return plan;
  const message = `${service} serves; load balancers notice until ${isoSeconds(untilMs)}`;
  return { ...plan, decision: wait('lead', message, untilMs) };
};
