import type { ComposeProject, Service } from '../compose/project-model.ts';
import { joinedNamespaces } from '../compose/namespaces.ts';
import { isJob } from '../state/desired.ts';
import { isPublic } from './readiness.ts';
import { drain, drainedOf } from './edge/connection-draining.ts';
import { leadBefore } from './edge/health-lead.ts';
import { wait } from './gate.ts';
import type { Decision } from './host-plan.ts';
import type { ServiceContext, Target } from './plan-input.ts';
import { isUp } from './slot.ts';

/**
 * Takes a service out: load balancers hear of it and have the lead, connections end, containers stop. They
 * stay, without a restart policy, so that they are not started by a reboot. `settled`: the decision then.
 */
export const decideDrained = (c: ServiceContext, target: Target | undefined, settled: Decision): Decision => {
  const up = c.own.filter(isUp);
  const first = up.length === 0 ? undefined : stopsAfter(c);
  if (first !== undefined) return wait('dependency', `it stops after ${first}`);
  const exposure = target?.release?.spec.exposure;
  const isCounted = exposure === 'edge';
  const drained = {
    ...drainedOf(c),
    // Connections to a port that the engine publishes cannot be counted either.
    byTime: !isCounted,
    ...(!isCounted && exposure === undefined && !isPublic(c) && { drainMs: 0 }),
  };
  return (
    leadBefore(c, up, c.input.ledger.drain?.sinceMs) ??
    drain(drained, c.own, 'the host is drained', 'stop') ??
    adoptable(c) ??
    settled
  );
};

/** A container that the service would take over is not ours yet, so it is not stopped. */
const adoptable = ({ foreign }: ServiceContext): Decision | undefined => {
  if (!foreign || !isUp(foreign.container)) return undefined;
  const { name } = foreign.container;
  return {
    kind: 'blocked',
    reason: 'adoption',
    message: `${name} still serves: it is not taken over yet, and a drain stops only what is ours`,
    advice: `stop it yourself (docker stop ${name})`,
  };
};

/**
 * A service that still runs and stops earlier: one that needs this one. What no outside client reaches also
 * stops after each service that they reach, if nothing that runs needs that service: then that one waits
 * for no other.
 */
const stopsAfter = (c: ServiceContext): string | undefined => {
  const { input, service } = c;
  const { project, actual } = input;
  const ownOf = (name: string) => actual.containers.filter((o) => o.owner?.service === name);
  const up = Object.values(project.services).filter(
    (s) => !isJob(project, s.name) && ownOf(s.name).some(isUp),
  );
  const dependents = (of: Service): readonly Service[] =>
    up.filter((s) => s.name !== of.name && needs(project, s, of));
  const isReached = (s: Service): boolean => isPublic({ input, service: s, own: ownOf(s.name) });
  const first = dependents(service)[0];
  if (first || isReached(service)) return first?.name;
  return up.find((s) => isReached(s) && dependents(s).length === 0 && !needs(project, service, s))?.name;
};

/** Directly, or through others. The parser has refused cycles. */
const needs = (project: ComposeProject, service: Service, other: Service): boolean => {
  const donors = joinedNamespaces(service.container).map(({ donor }) => donor);
  const direct = Object.values(project.services).filter(
    (s) => service.dependsOn.some((d) => d.service === s.name) || donors.includes(s.containerName ?? ''),
  );
  return direct.some((s) => s.name === other.name || needs(project, s, other));
};
