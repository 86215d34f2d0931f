import type { Service } from '../compose/project-model.ts';
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
    settled
  );
};

/** A service that still runs and stops earlier: one that needs this one, or any that outside clients reach. */
const stopsAfter = (c: ServiceContext): string | undefined => {
  const { project, actual } = c.input;
  const ownOf = (name: string) => actual.containers.filter((o) => o.owner?.service === name);
  const isHere = isPublic(c);
  return Object.values(project.services).find(
    (s) =>
      s.name !== c.service.name &&
      !isJob(project, s.name) &&
      ownOf(s.name).some(isUp) &&
      (needs(s, c.service) ||
        (!isHere && !needs(c.service, s) && isPublic({ service: s, own: ownOf(s.name) }))),
  )?.name;
};

const needs = (service: Service, other: Service): boolean =>
  service.dependsOn.some((d) => d.service === other.name) ||
  joinedNamespaces(service.container).some(({ donor }) => donor === other.containerName);
