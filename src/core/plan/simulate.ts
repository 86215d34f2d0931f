import { subnetsOverlap } from '../compose/ip.ts';
import type { NetworkDefinition } from '../compose/project-model.ts';
import type { EdgeRuntimeAction } from '../ports/edge.ts';
import type { EngineAction } from '../ports/engine.ts';
import type { Actual, Container, ContainerDetail, Endpoint } from '../state/actual.ts';
import { subnetsOf } from '../state/kept-networks.ts';
import type { EpochMs } from '../time.ts';
import type { JoinNetwork } from './action.ts';
import { bound, left, simulateEdge, unbound, withEdge } from './edge/simulate-edge.ts';
import { created, endpointOf } from './simulate-create.ts';
import { pulled, removeImage, tagged } from './simulate-images.ts';
import { idOf } from './simulated-id.ts';

/**
 * The host after an action that succeeds. `plan` looks ahead with it, and the simulated host of the tests is
 * built on it; a contract suite compares it with the real engine.
 */
export const simulate = (
  actual: Actual,
  action: EngineAction | EdgeRuntimeAction,
  nowMs: EpochMs,
): Actual => {
  switch (action.kind) {
    case 'edge-write':
    case 'edge-add-server':
    case 'edge-set-state':
    case 'edge-cut-sessions':
    case 'edge-remove-server':
    case 'edge-close-port':
    case 'edge-answer':
    case 'edge-discard':
      return simulateEdge(actual, action);
    case 'create-edge':
      return withEdge(actual, action, nowMs);
    case 'leave-edge':
      return left(freed(actual, action.container.id), action.container.id, nowMs);
    case 'rejoin':
      return withNetworks(actual, action.container.id, (networks) => [
        ...networks.filter((n) => n.network !== action.network),
        joined(actual, action),
      ]);
    case 'pull':
      return { ...actual, images: [...actual.images, pulled(action.image, action.keepAs)] };
    case 'tag-image':
      return { ...actual, images: tagged(actual.images, action) };
    case 'remove-image':
      return removeImage(actual, action.imageId, action.references);
    case 'create-network':
      return {
        ...actual,
        networks: [
          ...actual.networks,
          {
            id: idOf('network', action.name),
            name: action.name,
            subnets: subnetsFor(action.definition, actual.networks),
            ...(action.definition.internal && { publishes: 'never' as const }),
            owner: { network: action.network, hash: action.hash },
          },
        ],
      };
    case 'remove-network':
      return { ...actual, networks: actual.networks.filter((n) => n.id !== action.id) };
    case 'create-volume':
      return {
        ...actual,
        volumes: [
          ...actual.volumes,
          { name: action.name, owner: { volume: action.volume, hash: action.hash } },
        ],
      };
    case 'create':
      return {
        ...actual,
        containers: [...actual.containers, created(action, nowMs, actual.containers)],
      };
    case 'remove':
      return {
        ...actual,
        containers: actual.containers.filter((container) => container.id !== action.container.id),
      };
    case 'rename':
      return withContainer(actual, action.container.id, (container) => ({ ...container, name: action.to }));
    case 'disarm':
      return withDetail(actual, action.container.id, { restart: { name: 'no', maxRetries: 0 } });
    case 'arm':
      return withDetail(actual, action.container.id, { restart: action.restart });
    case 'limit':
      return withContainer(actual, action.container.id, (container) =>
        container.detail
          ? {
              ...container,
              detail: { ...container.detail, limits: { ...container.detail.limits, ...action.limits } },
            }
          : container,
      );
    case 'connect':
      return withNetworks(actual, action.container.id, (networks) => [...networks, joined(actual, action)]);
    case 'start':
      return bound(
        withContainer(actual, action.container.id, (container) => started(container, nowMs)),
        action.container.id,
      );
    case 'unpause':
      return withContainer(actual, action.container.id, (container) => ({ ...container, state: 'running' }));
    case 'stop':
      return unbound(
        withContainer(freed(actual, action.container.id), action.container.id, (container) =>
          stopped(container, nowMs),
        ),
        action.container.id,
      );
  }
};

/** The declared subnets, or the first free one of a pool. */
const subnetsFor = (definition: NetworkDefinition, networks: Actual['networks']): readonly string[] => {
  const declared = subnetsOf(definition);
  if (declared.length > 0) return declared;
  for (let third = 0; ; third += 1) {
    const subnet = `10.9.${String(third)}.0/24`;
    if (!networks.some((n) => n.subnets.some((s) => subnetsOverlap(s, subnet)))) return [subnet];
  }
};

const withContainer = (actual: Actual, id: string, change: (container: Container) => Container): Actual => ({
  ...actual,
  containers: actual.containers.map((container) => (container.id === id ? change(container) : container)),
});

const withDetail = (actual: Actual, id: string, change: Partial<ContainerDetail>): Actual =>
  withContainer(actual, id, (container) =>
    container.detail ? { ...container, detail: { ...container.detail, ...change } } : container,
  );

/** Removes the listeners on the container's ports. */
const freed = (actual: Actual, id: string): Actual => {
  const container = actual.containers.find((one) => one.id === id);
  const edge = actual.edges.find((e) => e.instance === container?.edge?.instance);
  const ports = [...(container?.ports ?? []), ...(edge?.state?.frontends ?? [])].map((p) => p.hostPort);
  return { ...actual, listeners: actual.listeners?.filter((l) => !ports.includes(l.port)) };
};

const withNetworks = (
  actual: Actual,
  id: string,
  change: (networks: ContainerDetail['networks']) => ContainerDetail['networks'],
): Actual =>
  withContainer(actual, id, (container) =>
    container.detail
      ? { ...container, detail: { ...container.detail, networks: change(container.detail.networks) } }
      : container,
  );

const joined = ({ containers }: Actual, { container, network, attachment, alias }: JoinNetwork): Endpoint => {
  const isRunning = containers.some((c) => c.id === container.id && c.state === 'running');
  return endpointOf(network, attachment, alias, isRunning ? (attachment.ipv4 ?? '10.0.0.2') : '');
};

const started = (container: Container, nowMs: EpochMs): Container => ({
  ...container,
  state: 'running',
  ...(container.detail && {
    detail: {
      ...container.detail,
      startedAtMs: nowMs,
      restartCount: 0,
      health: container.detail.health === 'none' ? 'none' : 'starting',
      networks: container.detail.networks.map((n) => ({ ...n, ip: n.fixedIps?.[0] ?? '10.0.0.2' })),
    },
  }),
});

const stopped = (container: Container, nowMs: EpochMs): Container => ({
  ...container,
  state: 'exited',
  ...(container.detail && {
    detail: {
      ...container.detail,
      finishedAtMs: nowMs,
      exitCode: 143,
      networks: container.detail.networks.map((n) => ({ ...n, ip: '' })),
    },
  }),
});
