import type { EdgeConfig } from '../../edge/edge-config.ts';
import { HOST_ANSWER, type HealthAnswers } from '../../edge/health-answer.ts';
import { isoSeconds } from '../../time.ts';
import { wait } from '../gate.ts';
import type { Decision } from '../host-plan.ts';
import type { PlanInput } from '../plan-input.ts';
import { answersOf, boundParts } from './edge-view.ts';

/**
 * What load balancers should hear before an edge is replaced with a gap: every service behind it goes out of
 * service. Undefined without the endpoint, or while no edge answers them.
 */
export const gapAnswers = (
  { actual, edge, nowMs }: PlanInput,
  { frontends }: Pick<EdgeConfig, 'frontends'>,
  answers: HealthAnswers,
): HealthAnswers | undefined => {
  const heard = boundParts(actual)
    .map(answersOf)
    .find((known) => known !== undefined);
  if (!edge.health || !heard) return undefined;
  const behind = frontends.map(({ backend }) => backend.slice(0, backend.lastIndexOf(':')));
  const out = [HOST_ANSWER, ...behind].flatMap((key) => {
    const [answer, last] = [answers[key], heard[key]];
    if (!answer) return [];
    const sinceMs = last?.isUp === false ? Math.min(last.sinceMs, nowMs) : nowMs;
    return [[key, { isUp: false, sinceMs, reason: 'the edge of this host is replaced' }] as const];
  });
  return { ...answers, ...Object.fromEntries(out) };
};

/** Undefined once load balancers have heard these answers for the lead. */
export const leadOfGap = ({ edge, nowMs }: PlanInput, answers: HealthAnswers): Decision | undefined => {
  const down = Object.values(answers).filter(({ isUp }) => !isUp);
  const untilMs = Math.max(...down.map(({ sinceMs }) => sinceMs)) + (edge.health?.leadMs ?? 0);
  return nowMs < untilMs
    ? wait('lead', `load balancers stop sending to this host until ${isoSeconds(untilMs)}`, untilMs)
    : undefined;
};
