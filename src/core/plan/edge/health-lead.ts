import { hasHealthEndpoint } from '../../edge/render-health.ts';
import { isoSeconds, type EpochMs } from '../../time.ts';
import type { Actual, Container } from '../../state/actual.ts';
import { wait } from '../gate.ts';
import type { PlanInput } from '../plan-input.ts';
import type { Decision, ServicePlan } from '../host-plan.ts';
import { isUnderWay } from '../../vocabulary/reasons.ts';
import { isPublic, isWell, type ReadinessContext } from '../readiness.ts';
import { isProven } from '../unproved-release.ts';
import { isUp } from '../slot.ts';
import { answersNow, edgeParts, isSentTo } from './edge-view.ts';

type Wait = Extract<Decision, { readonly kind: 'wait' }>;

/**
 * What has to pass before the `leaving` containers may stop, if clients reach no other one of their service:
 * load balancers hear that it goes out of service, and then have the lead to take notice.
 * `refusedSinceMs`: if no edge has the endpoint, they find its port closed, at the latest since then.
 */
export const leadBefore = (
  c: ReadinessContext,
  leaving: readonly Container[],
  refusedSinceMs?: EpochMs,
): Wait | undefined => {
  const { health } = c.input.edge;
  if (!health || !isPublic(c) || !leaving.some((o) => hasServed(c, o))) return undefined;
  const isStaying = (o: Container): boolean => isWell(o) && leaving.every(({ id }) => id !== o.id);
  if (c.own.some((o) => isStaying(o) && isReached(c, o))) return undefined;
  const { name } = c.service;
  const refused = isAnyEndpointUp(c.input.actual) ? undefined : refusedSinceMs;
  const answer =
    answersNow(c.input.actual)?.[name] ??
    (refused === undefined ? undefined : { isUp: false, sinceMs: refused });
  if (!answer) return wait('edge', `load balancers hear first that ${name} goes out of service`);
  if (answer.isUp) return wait('lead', `load balancers hear that ${name} goes out of service`);
  const untilMs = Math.min(answer.sinceMs, c.input.nowMs) + health.leadMs;
  return c.input.nowMs < untilMs
    ? wait('lead', `load balancers stop sending to ${name} until ${isoSeconds(untilMs)}`, untilMs)
    : undefined;
};

/** Whether the decision is for now, so that what comes after it is unknown. */
const isMoving = (d: Decision): boolean => d.kind === 'act' || (d.kind === 'wait' && isUnderWay(d.reason));

/** The decision of a service that serves counts only once load balancers have had the time to notice. */
export const withLeadAfter = (input: PlanInput, plan: ServicePlan): ServicePlan => {
  const { health } = input.edge;
  const { service, decision, readiness } = plan;
  if (!health || isMoving(decision) || readiness?.isPublic !== true) return plan;
  const answer = answersNow(input.actual)?.[service];
  if (decision.kind === 'converged' && answer?.isUp !== readiness.isReady) {
    const at = readiness.isReady ? 'serves' : 'is out of service';
    return { ...plan, decision: wait('edge', `${service} ${at}; load balancers hear of it next`) };
  }
  if (!answer?.isUp || !readiness.isReady) return plan;
  const untilMs = Math.min(answer.sinceMs, input.nowMs) + health.leadMs;
  if (input.nowMs >= untilMs) return plan;
  const message = `${service} serves; load balancers notice until ${isoSeconds(untilMs)}`;
  return { ...plan, decision: wait('lead', message, untilMs) };
};

/**
 * Whether clients may still be sent to it. A release that was never good is not waited for: a rollback goes
 * on where no edge answers.
 */
const hasServed = (c: ReadinessContext, o: Container): boolean =>
  o.state === 'running' && (o.owner === undefined || isProven(c, o));

const isAnyEndpointUp = (actual: Actual): boolean =>
  edgeParts(actual).some(
    ({ container, seen }) => isUp(container) && (!seen?.written || hasHealthEndpoint(seen.written)),
  );

const isReached = ({ input: { actual }, service }: ReadinessContext, { id, ports }: Container): boolean =>
  ports.length > 0 || isSentTo(actual, id) || service.container?.networkMode.kind === 'mode';
