import type { Service } from '../compose/project-model.ts';
import { joinedNamespaces } from '../compose/namespaces.ts';
import { serviceRecord } from '../state/ledger.ts';
import { nextOpening } from '../window/window-times.ts';
import { blockedAsDown } from './outage.ts';
import { HEALTH_BACKEND } from '../edge/health-answer.ts';
import { endpointDemands, healthAnswers } from './edge/health-endpoint.ts';
import { leadBefore, withLeadAfter } from './edge/health-lead.ts';
import { withAddresses } from './edge/edge-addresses.ts';
import { drain } from './edge/connection-draining.ts';
import { planEdge } from './edge/plan-edge.ts';
import { demandOfHeld, type EdgeDemand } from './edge/demand.ts';
import { sameFrontend } from './edge/edge-view.ts';
import { isPublic, isWell } from './readiness.ts';
import { foreignIn } from './foreign-container.ts';
import { drainedBy, drainedDecision, holdDecision, isLastStand } from './gate.ts';
import { housekeeping } from './housekeeping.ts';
import { EDGE_TARGET, failedStepKey, type PlanInput, type ServiceContext } from './plan-input.ts';
import { type Decision, type EdgePlan, type HostPlan, type ServicePlan, takes } from './host-plan.ts';
import { replicaOf } from './container-roles.ts';
import { planService } from './plan-service.ts';
import { selfDecision } from './agent-container.ts';
import { contextOf } from './service-context.ts';
import { jobsInTurn, turnGroupsOf, withWish } from './turn-groups.ts';
import { afterFailedStep, isStubborn, restingAt } from './failed-step.ts';
import { isShortWait, type WaitReason } from '../vocabulary/reasons.ts';

/** Plans every declared service after those it depends on, then the services that are no longer declared. */
export const planHost = (input: PlanInput): HostPlan => {
  const { plans, demands } = planDeclared(input);
  const undeclared = planUndeclared(input);
  for (const { plan, demand } of undeclared) demands.set(plan.service, demand);
  const planned = [...plans, ...undeclared.map((u) => u.plan)];
  const isTurning = planned.some(({ decision }) => takes(decision, 'edge-set-state'));
  const answers = healthAnswers(input, planned);
  const edge = planEdge(input, [...demands.values(), ...endpointDemands(input)], isTurning, answers);
  const services = withAddresses(input.actual, input.reserved, planned)
    .map((s) => withLeadAfter(input, s))
    .map((s) => blockedByEdge(input, s, demands.get(s.service), edge));
  const reported = services.map((s) => blockedAsDown(input, s));
  const isSettled = services.every(
    (s) => s.staging.length === 0 && s.decision.kind !== 'act' && !isMidway(s.decision),
  );
  return {
    services: reported,
    edge,
    housekeeping:
      isSettled &&
      edge?.decision.kind !== 'act' &&
      !holdDecision(input) &&
      !drainedDecision(input) &&
      !restingAt(input, failedStepKey('', ''))
        ? housekeeping(input)
        : [],
    foreign: foreignIn(input.actual),
    nextAtMs: earliest(
      [...services.map((s) => s.decision), ...(edge ? [edge.decision] : [])].map((d) => nextPollMs(d, input)),
      input,
    ),
  };
};

interface Declared {
  readonly plans: readonly ServicePlan[];
  readonly demands: Map<string, EdgeDemand>;
}

/** Jobs run within the turn of the services that wait for them, which are planned after their jobs. */
const planDeclared = (input: PlanInput): Declared => {
  const first = planInOrder(input, new Set());
  const groups = turnGroupsOf(first.plans);
  const jobs = jobsInTurn(groups);
  const { plans, demands } = jobs.size === 0 ? first : planInOrder(input, jobs);
  return { plans: plans.map((plan) => withWish(plan, input.project, groups)), demands };
};

const planInOrder = (input: PlanInput, jobs: ReadonlySet<string>): Declared => {
  const plans = new Map<string, ServicePlan>();
  const demands = new Map<string, EdgeDemand>();
  const opensAtMs = nextOpening(input.windows, input.nowMs);
  for (const service of inOrder(input.project.services)) {
    const { plan, demand } = planService(contextOf(input, service, opensAtMs, jobs), plans);
    plans.set(service.name, plan);
    demands.set(service.name, demand);
  }
  return { plans: [...plans.values()], demands };
};

/**
 * If another program has a service's port, the service is blocked, whatever else it waits for. If it waits
 * for an edge that is stuck, it reports the edge's decision.
 */
const blockedByEdge = (
  input: PlanInput,
  plan: ServicePlan,
  demand: EdgeDemand | undefined,
  edge: EdgePlan | undefined,
): ServicePlan => {
  const { decision } = plan;
  if (!edge) return plan;
  const isWaiting = decision.kind === 'wait' && decision.reason === 'edge';
  const unheard = edge.taken.find((t) => t.frontend.backend === HEALTH_BACKEND);
  if (unheard && isWaiting && plan.readiness?.isPublic === true)
    return { ...plan, decision: unheard.decision };
  const isMoving = decision.kind === 'act' || (decision.kind === 'wait' && isShortWait(decision.reason));
  const taken = edge.taken.find((t) => demand?.frontends.some((f) => sameFrontend(f, t.frontend)));
  if (taken && decision.kind !== 'blocked' && (isWaiting || !isMoving))
    return { ...plan, decision: taken.decision };
  const isOthers = edge.taken.some((t) => t.decision === edge.decision);
  return isWaiting && !isOthers && isStuck(input, edge.decision)
    ? { ...plan, decision: edge.decision }
    : plan;
};

const isStuck = (input: PlanInput, d: Decision): boolean => {
  if (d.kind === 'blocked') return true;
  if (d.kind !== 'wait' || isShortWait(d.reason)) return false;
  const failedStep = input.failedSteps[failedStepKey('', EDGE_TARGET)];
  return d.reason !== 'back-off' || (failedStep !== undefined && isStubborn(failedStep));
};

/** No event reports that a session ended or a port opened, so such waits are polled. */
const POLL_MS = 200;

const nextPollMs = (d: Decision, { nowMs }: PlanInput): number | undefined => {
  if (d.kind !== 'wait') return undefined;
  const isObserved = d.reason === 'drain' || d.reason === 'edge';
  return isObserved ? Math.min(nowMs + POLL_MS, d.until ?? Infinity) : d.until;
};

const MIDWAY: ReadonlySet<WaitReason> = new Set(['health', 'removal', 'bake', 'drain', 'edge', 'lead']);
const isMidway = (d: Decision): boolean => d.kind === 'wait' && MIDWAY.has(d.reason);

const earliest = (times: readonly (number | undefined)[], input: PlanInput): number | undefined => {
  const failedSteps = Object.values(input.failedSteps).map((s) =>
    s.untilMs > input.nowMs ? s.untilMs : undefined,
  );
  const known = [...times, ...failedSteps].filter((t) => t !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

/** Sorts services after their dependencies and namespace donors. The parser has refused cycles. */
const inOrder = (services: Readonly<Record<string, Service>>): readonly Service[] => {
  const ordered = new Map<string, Service>();
  const donors = new Map(Object.values(services).map((s) => [s.containerName, s.name]));
  const visit = (service: Service): void => {
    if (ordered.has(service.name)) return;
    const joined = joinedNamespaces(service.container).map(({ donor }) => donors.get(donor) ?? '');
    for (const name of [...service.dependsOn.map((d) => d.service), ...joined]) {
      const dependency = services[name];
      if (dependency && !ordered.has(dependency.name)) visit(dependency);
    }
    ordered.set(service.name, service);
  };
  for (const service of Object.values(services)) visit(service);
  return [...ordered.values()];
};

/** The default drain time, for services without a compose file. */
const DRAIN_MS = 30_000;
const NO_SHARE: EdgeDemand = {
  frontends: [],
  yielding: [],
  servers: [],
  drainMs: DRAIN_MS,
  isExpected: false,
  isProofNeeded: false,
};

/** Services that left the compose files are stopped and removed, unless no service would be left. */
const planUndeclared = (
  input: PlanInput,
): readonly { readonly plan: ServicePlan; readonly demand: EdgeDemand }[] => {
  const here = new Set(input.actual.containers.flatMap((o) => (o.owner ? [o.owner.service] : [])));
  const recorded = Object.keys(input.ledger.services);
  const gone = [...new Set([...here, ...recorded])]
    .filter((name) => !input.project.services[name])
    .toSorted();
  return gone.map((service) => {
    const own = input.actual.containers.filter((o) => o.owner?.service === service && o.state !== 'removing');
    const held = { input, record: serviceRecord(input.ledger, service), own };
    const decision = decideUndeclared(held, service);
    const isHeld = decision.kind === 'blocked' || (decision.kind === 'wait' && decision.reason === 'hold');
    const isStaying = isHeld || (decision.kind === 'wait' && decision.reason === 'lead');
    const plan: ServicePlan = {
      service,
      declared: false,
      decision,
      target: undefined,
      staging: [],
      desired: undefined,
      running: own.map((o) => replicaOf(o, 'retired')),
      readiness: {
        isPublic: isHeld && isPublic({ input, service: { name: service }, own }),
        isReady: isHeld && own.some(isWell),
        reason: drainedBy(input) ?? 'is not in the compose files any more',
      },
      probes: [],
    };
    return { plan, demand: isStaying ? demandOfHeld(held, DRAIN_MS) : NO_SHARE };
  });
};

type Undeclared = Pick<ServiceContext, 'input' | 'record' | 'own'>;

const decideUndeclared = (c: Undeclared, service: string): Decision => {
  const { input, own } = c;
  const self = selfDecision(own);
  if (self) return self;
  const leaving = { ...c, service: { name: service } };
  const goes = { ...c, drainMs: DRAIN_MS, byTime: false };
  const { hold } = input.ledger;
  const drained = hold?.all === true && holdDecision(input) ? undefined : drainedDecision(input);
  if (drained)
    return (
      leadBefore(leaving, own, input.ledger.drain?.sinceMs) ?? drain(goes, own, DRAINED, 'stop') ?? drained
    );
  const held = holdDecision(input);
  if (held) return held;
  const why = `${service} is not in the compose files any more`;
  const gone = drain(goes, own, why);
  if (!gone) return { kind: 'act', actions: [{ kind: 'forget' }], why: `nothing of ${service} is left` };
  if (isLastStand(input)) {
    return {
      kind: 'blocked',
      reason: 'empty',
      message:
        'the compose files name none of the services that run here: ' +
        `${service} would be removed with all others`,
      advice: 'if that is meant, write at the top of compose.yaml: x-supercargo: {allow-empty: true}',
    };
  }
  return leadBefore(leaving, own) ?? afterFailedStep(input, failedStepKey(service, ''), gone);
};

const DRAINED = 'the host is drained';
