import { AgentError } from '../../src/core/errors.ts';
import { joinedNamespaces } from '../../src/core/compose/namespaces.ts';
import type { ContainerSpec } from '../../src/core/compose/project-model.ts';
import { parseImage } from '../../src/core/image/reference.ts';
import { subnetHolder } from '../../src/core/plan/networks.ts';
import { overlaps } from '../../src/core/plan/host-ports.ts';
import type { EngineAction } from '../../src/core/ports/engine.ts';
import type { Container } from '../../src/core/state/actual.ts';
import { donorRefusal } from './simulated-namespaces.ts';
import { memoryOf, replaceLife, takenAddress, takenPort, type EngineState } from './simulated-state.ts';
import type { SimulatedRegistry } from './simulated-registry.ts';

/** What an engine answers instead of carrying an action out: an error, or that it is so already. */
export const refusal = (
  state: EngineState,
  registry: SimulatedRegistry,
  action: EngineAction,
): AgentError | 'already' | undefined => {
  const { actual } = state;
  switch (action.kind) {
    case 'create':
      if (actual.containers.some((c) => c.name === action.name)) return nameTaken(action.name);
      if (!actual.images.some((i) => i.id === action.imageId)) return noImage(String(action.imageId));
      return (
        missingDonor(state, action) ??
        missingNetwork(state, [
          ...Object.values(action.networks),
          ...(action.edge ? [action.edge.network] : []),
        ]) ??
        preflightRefusal(state, action)
      );
    case 'create-network':
      if (actual.networks.some((n) => n.name === action.name)) return 'already';
      return subnetHolder(actual, action.definition)
        ? new AgentError('NETWORK', 'Pool overlaps with other one on this address space')
        : undefined;
    case 'create-volume':
      return actual.volumes.some((v) => v.name === action.name) ? 'already' : undefined;
    case 'remove-network':
      return isNetworkUsed(state, action.name)
        ? new AgentError('ENGINE', `network ${action.name} has active endpoints`, { retry: 'later' })
        : undefined;
    case 'tag-image':
      return actual.images.some((i) => i.id === action.imageId) ? undefined : noImage(action.imageId);
    case 'remove-image':
      return actual.containers.some((c) => c.imageId === action.imageId) && removesLastName(state, action)
        ? new AgentError('ENGINE', 'image is being used by a container', { retry: 'later' })
        : undefined;
    case 'pull':
      return undefined;
    case 'create-edge':
      if (actual.containers.some((c) => c.name === action.name)) return 'already';
      return actual.images.some((i) => i.id === action.imageId) ? undefined : noImage(action.imageId);
    case 'rejoin':
    case 'leave-edge':
    case 'arm':
    case 'disarm':
    case 'rename':
    case 'connect':
    case 'start':
    case 'unpause':
    case 'stop':
    case 'remove':
    case 'limit':
      return containerRefusal(state, registry, action);
  }
};

type ContainerAction = Extract<EngineAction, { readonly container: unknown }>;

const containerRefusal = (
  state: EngineState,
  registry: SimulatedRegistry,
  action: ContainerAction,
): AgentError | 'already' | undefined => {
  const container = state.actual.containers.find((c) => c.id === action.container.id);
  if (!container) {
    if (action.kind === 'remove' || action.kind === 'stop') return 'already';
    return new AgentError('ENGINE', `no such container: ${action.container.name}`, { retry: 'later' });
  }
  const isUp = ['running', 'restarting', 'paused'].includes(container.state);
  if (container.state === 'dead' && ['arm', 'disarm', 'limit', 'start'].includes(action.kind))
    return new AgentError('ENGINE', `${container.name} is marked for removal`, { retry: 'later' });
  switch (action.kind) {
    case 'remove':
      return isUp ? 'already' : undefined;
    case 'stop':
      return isUp ? undefined : 'already';
    case 'start':
      return startRefusal(state, registry, container);
    case 'unpause':
      return container.state === 'paused'
        ? undefined
        : new AgentError('ENGINE', `${container.name} is not paused`, { retry: 'later' });
    case 'rename':
      return state.actual.containers.some((c) => c.name === action.to && c.id !== container.id)
        ? nameTaken(action.to)
        : undefined;
    case 'connect':
    case 'rejoin':
      return missingNetwork(state, [action.network]);
    case 'leave-edge':
      return isUp ? undefined : 'already';
    case 'arm':
    case 'disarm':
    case 'limit':
      return undefined;
  }
};

/** Devices that every host has. */
const DEVICES: ReadonlySet<string> = new Set(['/dev/null', '/dev/zero', '/dev/fuse']);

/** What keeps any container with these settings from starting. */
const settingsRefusal = (state: EngineState, spec: ContainerSpec | undefined): AgentError | undefined => {
  const device = spec?.devices.find((d) => !DEVICES.has(d.source));
  if (device)
    return new AgentError('ENGINE', `error gathering device information: ${device.source}`, {
      retry: 'changed',
      advice: 'the engine refuses this setting: correct the compose file',
    });
  return state.isLogServerDown && spec?.logging?.driver === 'syslog'
    ? new AgentError('ENGINE', 'failed to initialize logging driver: connection refused', { retry: 'later' })
    : undefined;
};

/** The preflight starts beside what serves, with all that it may take. */
const preflightRefusal = (
  state: EngineState,
  { preflight, release }: Extract<EngineAction, { kind: 'create' }>,
): AgentError | undefined => {
  if (!preflight) return undefined;
  const taken = preflight.ports.find((p) =>
    state.occupied.some((o) => overlaps(o, { ...p, hostPort: p.hostPort ?? 0 })),
  );
  return taken
    ? new AgentError('PORT_TAKEN', `port is already allocated: ${String(taken.hostPort)}`)
    : settingsRefusal(state, release.spec.container);
};

const startRefusal = (
  state: EngineState,
  registry: SimulatedRegistry,
  container: Container,
): AgentError | 'already' | undefined => {
  if (container.state === 'running' || container.state === 'restarting') return 'already';
  if (container.state === 'paused')
    return new AgentError('ENGINE', `${container.name} is paused`, { retry: 'later' });
  const port = takenPort(state, container);
  if (port) return new AgentError('PORT_TAKEN', `port is already allocated: ${String(port.hostPort)}`);
  const address = takenAddress(state, container);
  if (address !== undefined) return new AgentError('NETWORK', `Address already in use: ${address}`);
  const { networkIds } = memoryOf(state, container.id);
  const lost = container.detail?.networks.find((n) => {
    const live = state.actual.networks.find((x) => x.name === n.network);
    return !live || (networkIds[n.network] !== undefined && networkIds[n.network] !== live.id);
  });
  if (lost) return new AgentError('NETWORK', `network ${lost.network} not found`);
  const absent = donorRefusal(state, container);
  if (absent) return absent;
  const refused = settingsRefusal(state, memoryOf(state, container.id).spec);
  if (refused) return refused;
  const fault = registry.behaviourOf(container.imageId).startFault;
  if (fault === undefined) return undefined;
  if (container.detail)
    replaceLife(state, {
      container: { ...container, detail: { ...container.detail, startFault: fault } },
      memory: memoryOf(state, container.id),
    });
  return new AgentError('RELEASE', fault);
};

/** Of a network that is to be joined the engine asks at the start only. */
const missingDonor = (
  { actual }: EngineState,
  { release }: Extract<EngineAction, { kind: 'create' }>,
): AgentError | undefined => {
  const absent = joinedNamespaces(release.spec.container).find(
    ({ namespace, donor }) => namespace !== 'network' && actual.containers.every((c) => c.name !== donor),
  );
  return absent && new AgentError('ENGINE', `No such container: ${absent.donor}`, { retry: 'later' });
};

const nameTaken = (name: string): AgentError =>
  new AgentError('NAME_TAKEN', `the container name ${name} is already in use`);
const noImage = (id: string): AgentError =>
  new AgentError('IMAGE_NOT_FOUND', `no such image: ${id}`, { retry: 'later' });

const missingNetwork = (state: EngineState, names: readonly string[]): AgentError | undefined => {
  const missing = names.find((name) => state.actual.networks.every((n) => n.name !== name));
  return missing === undefined ? undefined : new AgentError('NETWORK', `network ${missing} not found`);
};

const isNetworkUsed = (state: EngineState, name: string): boolean =>
  state.actual.containers.some(
    (c) =>
      ['running', 'paused'].includes(c.state) && c.detail?.networks.some((n) => n.network === name) === true,
  );

const removesLastName = (
  state: EngineState,
  action: Extract<EngineAction, { kind: 'remove-image' }>,
): boolean => {
  const tags = state.actual.images.find((i) => i.id === action.imageId)?.tags ?? [];
  const gone = action.references.map(parseImage);
  const isGone = (t: (typeof tags)[number]): boolean =>
    gone.some((g) => g.repository === t.repository && g.tag === t.tag);
  return tags.length > 0 && tags.every(isGone);
};
