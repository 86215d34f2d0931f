import {
  HOST_ANSWER,
  type CheckedPort,
  type HealthAnswer,
  type HealthAnswers,
} from '../../edge/health-answer.ts';
import type { Actual } from '../../state/actual.ts';
import { drainedBy } from '../gate.ts';
import type { PlanInput } from '../plan-input.ts';
import type { Readiness, ServicePlan } from '../host-plan.ts';
import type { EdgeDemand } from './demand.ts';
import { answersNow, edgeParts } from './edge-view.ts';
import { endpointOf } from './port-availability.ts';

/** The endpoint is one more port of the edge, which therefore exists without any start-first service. */
export const endpointDemands = ({ edge }: PlanInput): readonly EdgeDemand[] => {
  const endpoint = endpointOf(edge);
  if (!endpoint) return [];
  return [
    { frontends: [endpoint], yielding: [], servers: [], drainMs: 0, isExpected: true, isProofNeeded: false },
  ];
};

/**
 * The ports that containers of good releases publish themselves. In `publish` mode the edge cannot reach
 * them. A gap changes none of them, because the edge would have to be replaced in it.
 */
export const checkedPorts = ({ edge, project, ledger }: PlanInput): readonly CheckedPort[] => {
  if (!edge.health || edge.mode !== 'host') return [];
  return Object.keys(project.services).flatMap((service) => {
    const good = ledger.services[service]?.good[0];
    if (good === undefined || good.completed || good.release.spec.exposure !== undefined) return [];
    return good.release.spec.container.ports.flatMap(({ protocol, hostAddress, hostPort }) =>
      protocol === 'tcp' && hostPort !== undefined ? [{ service, hostAddress, hostPort }] : [],
    );
  });
};

/** What they heard last. */
const answersBefore = (actual: Actual): HealthAnswers =>
  answersNow(actual) ??
  edgeParts(actual)
    .map(({ seen }) => seen?.answers)
    .find((answers) => answers !== undefined) ??
  {};

type Wanted = Pick<HealthAnswer, 'isUp' | 'reason'>;

/** What load balancers should hear. The time of an answer stays while it does not change. */
export const healthAnswers = (input: PlanInput, services: readonly ServicePlan[]): HealthAnswers => {
  const before = answersBefore(input.actual);
  const dated = (key: string, wanted: Wanted): readonly [string, HealthAnswer] => {
    const last = before[key];
    const isSame = last !== undefined && last.isUp === wanted.isUp && last.sinceMs <= input.nowMs;
    return [key, { ...wanted, sinceMs: isSame ? last.sinceMs : input.nowMs }];
  };
  const answers = services.flatMap(({ service, readiness, availability }) =>
    readiness === undefined ? [] : [{ service, readiness, hasServed: availability?.hasServed === true }],
  );
  return Object.fromEntries([
    dated(HOST_ANSWER, hostAnswer(input, answers)),
    ...answers.map(({ service, readiness: { isReady, reason } }) =>
      dated(service, { isUp: isReady, reason }),
    ),
  ]);
};

interface ServiceAnswer {
  readonly service: string;
  readonly readiness: Readiness;
  readonly hasServed: boolean;
}

/**
 * The host is out while a service is that outside clients reach. One that never served here does not count
 * beside others: a new service that fails everywhere must not take every host out.
 */
const hostAnswer = (input: PlanInput, answers: readonly ServiceAnswer[]): Wanted => {
  const drained = drainedBy(input);
  if (drained !== undefined) return { isUp: false, reason: drained };
  const reached = answers.filter(({ readiness }) => readiness.isPublic);
  const counted = reached.filter(({ hasServed, readiness }) => hasServed || readiness.isReady);
  const out = counted.find(({ readiness }) => !readiness.isReady);
  if (out) return { isUp: false, reason: `${out.service} ${out.readiness.reason}` };
  return reached.length > 0 && counted.length === 0
    ? { isUp: false, reason: 'no service has served here yet' }
    : { isUp: true, reason: 'in service' };
};
