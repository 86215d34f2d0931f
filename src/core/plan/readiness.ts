import type { Container } from '../state/actual.ts';
import { joinedNamespaces } from '../compose/namespaces.ts';
import type { ComposeProject, ContainerSpec, Service } from '../compose/project-model.ts';
import type { Readiness, Decision, RunningReplica, ServicePlan } from './host-plan.ts';
import type { ContainerRef } from './action.ts';
import { drainedBy } from './gate.ts';
import type { ServiceContext } from './plan-input.ts';
import { serversOf } from './edge/edge-view.ts';
import { isUp } from './slot.ts';

/** What readiness depends on. A service that left the compose files has its name only. */
export type ReadinessContext = Pick<ServiceContext, 'input' | 'own' | 'record'> & {
  readonly service: Pick<Service, 'name'> & Partial<Pick<Service, 'container'>>;
};

/** Whether clients outside this host reach the service: only those come through a load balancer. */
export const isPublic = ({
  input: { actual, project },
  service,
  own,
}: Omit<ReadinessContext, 'record'>): boolean =>
  (service.container !== undefined && hasPublicPort(service.container, project)) ||
  own.some((o) => o.ports.length > 0 || serversOf(actual, o.id).length > 0);

/** Also if the ports are those of a service whose network it joins. */
const hasPublicPort = (spec: ContainerSpec, { services }: ComposeProject): boolean => {
  const { ports, networkMode } = spec;
  if (ports.some((p) => p.hostPort !== undefined)) return true;
  if (networkMode.kind === 'mode' && networkMode.mode === 'host') return true;
  const donor = joinedNamespaces(spec).find(({ namespace }) => namespace === 'network')?.donor;
  const owner = Object.values(services).find((s) => donor !== undefined && s.containerName === donor);
  return owner?.container.ports.some((p) => p.hostPort !== undefined) === true;
};

/** Whether the container answers its clients, as far as the engine knows. */
export const isWell = ({ state, detail }: Container): boolean => isAnswering(state, detail?.health ?? 'none');

const isAnswering = (state: string, health: string): boolean =>
  state === 'running' && health !== 'unhealthy' && health !== 'starting';

type Planned = Pick<ServicePlan, 'decision' | 'running' | 'availability'>;

export interface Reach {
  /** The edge has ports for the service, or gets them now. */
  readonly hasEdgePorts: boolean;
  /** Ids of containers that are known not to answer yet. */
  readonly silent: ReadonlySet<string>;
}

/** What load balancers should hear about a declared service; nothing about a job. */
export const readinessOf = (
  c: ServiceContext,
  plan: Planned,
  { hasEdgePorts, silent }: Reach,
): Readiness | undefined => {
  const { availability, decision, running } = plan;
  if (c.isJob) return undefined;
  const base = { isPublic: availability?.mustServe === true && isPublic(c) };
  const out = (reason: string): Readiness => ({ ...base, isReady: false, reason });
  const drained = drainedBy(c.input);
  if (drained !== undefined) return out(drained);
  if (c.service.replicas === 0) return out('has no replicas');
  if (c.record.good[0]?.completed === true) return out('has completed');
  const well = running.filter(
    (r) => r.role === 'serving' && isAnswering(r.state, r.health) && isReached(c, r, hasEdgePorts),
  );
  const serving = well.filter((r) => !silent.has(r.container.id));
  const foreign = c.foreign && isUp(c.foreign.container) ? [c.foreign.container] : [];
  const all: readonly ContainerRef[] = [...serving.map((r) => r.container), ...foreign];
  if (all.length === 0) {
    const isSick = running.some(
      (r) => r.role === 'serving' && r.state === 'running' && r.health === 'unhealthy',
    );
    if (well.length > 0) return out('was started again and does not answer yet');
    return out(isSick ? 'its health check fails' : 'no container of it serves');
  }
  if (isLeaving(decision, all)) return out('goes out of service for a switch');
  return { ...base, isReady: true, reason: `serves ${serving[0]?.version ?? foreign[0]?.name ?? ''}` };
};

/** Whether a port leads to the container: its own, or one of the edge, which gives ports up before a move. */
const isReached = (c: ServiceContext, { container }: RunningReplica, hasEdgePorts: boolean): boolean => {
  const { ports, networkMode } = c.service.container;
  const isPublished = c.own.some((o) => o.id === container.id && o.ports.length > 0);
  return (
    isPublished || hasEdgePorts || networkMode.kind === 'mode' || ports.every((p) => p.hostPort === undefined)
  );
};

/** Whether all that serves is about to stop: by the next step, or once load balancers had their time. */
const isLeaving = (decision: Decision, serving: readonly ContainerRef[]): boolean => {
  if (decision.kind === 'wait') return decision.reason === 'lead';
  if (decision.kind !== 'act') return false;
  const stopped = decision.actions.flatMap((a) =>
    a.kind === 'disarm' || a.kind === 'stop' ? [a.container.id] : [],
  );
  return serving.every(({ id }) => stopped.includes(id));
};
