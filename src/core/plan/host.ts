import type { Service } from '../compose/model.ts';
import { isJob } from '../state/desired.ts';
import { serviceRecord } from '../state/ledger.ts';
import { holdDecision, isLastStand } from './gate.ts';
import { housekeeping } from './housekeeping.ts';
import { setbackKey, type Foreign, type PlanInput, type ServiceContext } from './input.ts';
import type { Decision, HostPlan, ServicePlan } from './plan.ts';
import { replicaOf } from './replicas.ts';
import { planService } from './service.ts';
import { afterSetback, restingAt } from './setback.ts';
import { retire } from './slot.ts';

/** The whole host: every declared service after those it depends on, then those nobody declares any more. */
export const planHost = (input: PlanInput): HostPlan => {
  const plans = new Map<string, ServicePlan>();
  for (const service of inOrder(input.project.services)) {
    plans.set(service.name, planService(contextOf(input, service), plans));
  }
  const undeclared = planUndeclared(input);
  const services = [...plans.values(), ...undeclared];
  const isSettled = services.every(
    (s) => s.staging.length === 0 && s.decision.kind !== 'act' && !isMidway(s.decision),
  );
  return {
    services,
    housekeeping:
      isSettled && !holdDecision(input) && !restingAt(input, setbackKey('', '')) ? housekeeping(input) : [],
    nextAtMs: earliest(
      services.map((s) => (s.decision.kind === 'wait' ? s.decision.until : undefined)),
      input,
    ),
  };
};

const isMidway = (d: Decision): boolean =>
  d.kind === 'wait' && (d.reason === 'health' || d.reason === 'removal');

const earliest = (times: readonly (number | undefined)[], input: PlanInput): number | undefined => {
  const setbacks = Object.values(input.setbacks).map((s) =>
    s.untilMs > input.nowMs ? s.untilMs : undefined,
  );
  const known = [...times, ...setbacks].filter((t) => t !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

/** Dependencies first; the parser has refused cycles. */
const inOrder = (services: Readonly<Record<string, Service>>): readonly Service[] => {
  const ordered = new Map<string, Service>();
  const visit = (service: Service): void => {
    if (ordered.has(service.name)) return;
    for (const d of service.dependsOn) {
      const dependency = services[d.service];
      if (dependency && !ordered.has(dependency.name)) visit(dependency);
    }
    ordered.set(service.name, service);
  };
  for (const service of Object.values(services)) visit(service);
  return [...ordered.values()];
};

const contextOf = (input: PlanInput, service: Service): ServiceContext => {
  const own = input.actual.containers.filter(
    (o) => o.owner?.service === service.name && o.state !== 'removing',
  );
  return {
    input,
    service,
    own,
    record: serviceRecord(input.ledger, service.name),
    foreign: foreignOf(input, service),
    isJob: isJob(input.project, service.name),
  };
};

/** The container that `replaces` names: by the id that the ledger recorded, else by name; never one of an environment. */
const foreignOf = (input: PlanInput, service: Service): Foreign | undefined => {
  if (service.replaces === undefined) return undefined;
  const { adoption } = serviceRecord(input.ledger, service.name);
  const adoptable = input.actual.containers.filter((o) => !o.owner && o.otherEnvironment === undefined);
  const known = adoption && adoptable.find((o) => o.id === adoption.containerId);
  if (adoption && known) return { container: known, adoption, recorded: true };
  const found = adoptable.find((o) => o.name === service.replaces);
  if (!found) return undefined;
  const isRunning = found.state === 'running' || found.state === 'restarting';
  const restart = found.detail?.restart ?? { name: 'no', maxRetries: 0 };
  return {
    container: found,
    adoption: { containerId: found.id, name: found.name, restart, wasRunning: isRunning },
    recorded: false,
  };
};

/** Services that left the compose files: stopped and removed, unless that would leave nothing at all. */
const planUndeclared = (input: PlanInput): readonly ServicePlan[] => {
  const here = new Set(input.actual.containers.flatMap((o) => (o.owner ? [o.owner.service] : [])));
  const recorded = Object.keys(input.ledger.services);
  const gone = [...new Set([...here, ...recorded])]
    .filter((name) => !input.project.services[name])
    .toSorted();
  return gone.map((service) => {
    const own = input.actual.containers.filter((o) => o.owner?.service === service && o.state !== 'removing');
    return {
      service,
      declared: false,
      decision: decideUndeclared(input, service, own),
      target: undefined,
      staging: [],
      desired: undefined,
      running: own.map((o) => replicaOf(o, 'retired')),
    };
  });
};

const decideUndeclared = (
  input: PlanInput,
  service: string,
  own: PlanInput['actual']['containers'],
): Decision => {
  const hold = holdDecision(input);
  if (hold) return hold;
  const retired = retire(own);
  if (!retired) return { kind: 'act', actions: [{ kind: 'forget' }], why: `nothing of ${service} is left` };
  if (isLastStand(input)) {
    return {
      kind: 'blocked',
      reason: 'empty',
      message: `the compose files name none of the services that run here: ${service} would be removed with all others`,
      advice: 'if that is meant, write at the top of compose.yaml: x-supercargo: {allow-empty: true}',
    };
  }
  const decision: Decision = {
    kind: 'act',
    actions: retired,
    why: `${service} is not in the compose files any more`,
  };
  return afterSetback(input, setbackKey(service, ''), decision);
};
