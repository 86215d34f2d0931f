import { AgentError } from '../../src/core/errors.ts';
import { formatImage } from '../../src/core/image/reference.ts';
import type { ImageOrigin } from '../../src/core/image/image-origin.ts';
import { simulate } from '../../src/core/plan/simulate.ts';
import type { EdgeRuntimeAction, Edges } from '../../src/core/ports/edge.ts';
import type { Engine, EngineAction } from '../../src/core/ports/engine.ts';
import type { Actual, Container, EngineFacts } from '../../src/core/state/actual.ts';
import type { ReleaseImage } from '../../src/core/state/release.ts';
import { createByHand, type ByHand } from './simulated-hands.ts';
import {
  edgeByHand,
  edgePort,
  edgesLived,
  heardAt,
  isEdgeBarred,
  leaveEdge,
  type EdgeByHand,
} from './simulated-edge.ts';
import { lived } from './simulated-life.ts';
import {
  countStarts,
  donorRefusal,
  endWithDonors,
  giveUpRestarts,
  hasLiveNamespaces,
  hasLiveNetwork,
  networkGuests,
} from './simulated-namespaces.ts';
import { refusal } from './simulated-refusals.ts';
import { createSimulatedRegistry, type Behaviour, type SimulatedRegistry } from './simulated-registry.ts';
import { memoryOf, NO_MEMORY, replaceLife, takenPort, type EngineState } from './simulated-state.ts';
import { emptyActual, START_MS } from './world.ts';

export interface Fault {
  readonly kind: (EngineAction | EdgeRuntimeAction)['kind'];
  readonly error: AgentError;
  /** How often it happens; then the action works again. */
  readonly times: number;
  /** Only where the action concerns this container or thing; absent: any. */
  readonly name?: string;
}

export interface SimulatedEngine extends Engine {
  readonly now: () => number;
  readonly edges: Edges;
  /** Lets time go by. */
  readonly advance: (ms: number) => void;
  readonly registry: SimulatedRegistry;
  /** What is there now, without asking as an agent does. */
  readonly actual: () => Actual;
  readonly fail: (fault: Fault) => void;
  readonly setOffline: (isOffline: boolean) => void;
  /** Host ports that something outside the engine listens on. */
  readonly occupy: (port: number, address?: string) => void;
  readonly release: (port: number) => void;
  /** What the engine is, after it was configured anew. */
  readonly setFacts: (facts: EngineFacts) => void;
  /** Where the log driver `syslog` sends to: without it the engine starts no container that has that driver. */
  readonly setLogServer: (isUp: boolean) => void;
  /** The agent has a network of its own, and sees nobody listen. */
  /** The host has every address but these. */
  readonly setAbsent: (addresses: readonly string[]) => void;
  readonly hideListeners: () => void;
  /** What load balancers hear, as `/ 200, /web 503`, of each edge that may answer them; empty: it is closed. */
  readonly heard: () => readonly string[];
  /** Its probe would be answered. */
  readonly answers: (containerId: string) => boolean;
  /** It runs, and its network, or that of its donor, is there. */
  readonly hasNetwork: (containerId: string) => boolean;
  readonly byHand: ByHand & EdgeByHand;
  /** Every container dies; those with a restart policy in force come back. */
  readonly restartDaemon: () => void;
}

/** The engine port over `simulate`, with a clock, a registry and containers that live by themselves. */
export const createSimulatedEngine = (options: { readonly actual?: Actual } = {}): SimulatedEngine => {
  const state: EngineState = {
    actual: options.actual ?? emptyActual,
    memories: new Map(),
    nowMs: START_MS,
    occupied: [],
    boundAt: new Map(),
    startedWith: new Map(),
    barred: new Set(),
    leavingSince: new Map(),
    isEdgeSilent: false,
    isLogServerDown: false,
    starts: new Map(),
    absentAddresses: [],
    areListenersHidden: false,
    socketless: new Set(),
    folderless: new Set(),
  };
  const registry = createSimulatedRegistry();
  const listeners = new Set<() => void>();
  let streams: PromiseWithResolvers<void>[] = [];
  let faults: Fault[] = [];
  let isOffline = false;

  const live = (): void => {
    const behaviourOf = (c: Container): Behaviour => lifeOf(state, registry, c);
    giveUpRestarts(state);
    for (const container of state.actual.containers) {
      const life = { container, memory: memoryOf(state, container.id) };
      replaceLife(state, lived(life, behaviourOf, state.nowMs));
    }
    countStarts(state);
    endWithDonors(state);
    const here = new Set(state.actual.containers.map((c) => c.id));
    for (const id of state.memories.keys()) if (!here.has(id)) state.memories.delete(id);
    edgesLived(state, registry);
  };

  const reach = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (isOffline)
      throw new AgentError('ENGINE_OFFLINE', 'cannot reach the simulated engine', { retry: 'later' });
    live();
  };

  const stumble = (action: EngineAction | EdgeRuntimeAction): void => {
    const names = [action, ...('container' in action ? [action.container] : [])].flatMap((o) =>
      'name' in o ? [o.name] : [],
    );
    if (action.kind === 'pull') names.push(formatImage(action.image.reference));
    const fault = faults.find(
      (f) => f.kind === action.kind && (f.name === undefined || names.includes(f.name)),
    );
    if (!fault) return;
    faults = faults.flatMap((f) => (f !== fault ? [f] : f.times > 1 ? [{ ...f, times: f.times - 1 }] : []));
    throw fault.error;
  };

  const tell = (): void => {
    for (const listener of listeners) listener();
  };

  const endStreams = (): void => {
    for (const stream of streams) stream.resolve();
    streams = [];
  };

  return {
    now: () => state.nowMs,
    advance: (ms) => {
      state.nowMs += ms;
      live();
    },
    registry,
    actual: () => {
      live();
      return state.actual;
    },
    fail: (fault) => {
      faults.push(fault);
    },
    setOffline: (next) => {
      isOffline = next;
      if (next) endStreams();
    },
    occupy: (hostPort, hostAddress = '') => {
      state.occupied = [...state.occupied, { hostAddress, hostPort, protocol: 'tcp' }];
    },
    release: (port) => {
      state.occupied = state.occupied.filter((o) => o.hostPort !== port);
    },
    setFacts: (engine) => {
      state.actual = { ...state.actual, engine };
    },
    setLogServer: (isUp) => {
      state.isLogServerDown = !isUp;
    },
    setAbsent: (addresses) => {
      state.absentAddresses = addresses;
    },
    hideListeners: () => {
      state.areListenersHidden = true;
    },
    heard: () => {
      live();
      return heardAt(state, registry);
    },
    answers: (id) => {
      const container = state.actual.containers.find((c) => c.id === id);
      if (container?.state !== 'running' || !hasLiveNamespaces(state, container)) return false;
      return [container, ...networkGuests(state, id)].some(
        ({ imageId }) => registry.behaviourOf(imageId).deaf !== true,
      );
    },
    hasNetwork: (id) => {
      const container = state.actual.containers.find((c) => c.id === id);
      return container?.state === 'running' && hasLiveNetwork(state, container);
    },
    byHand: { ...createByHand(state, tell), ...edgeByHand(state) },
    restartDaemon: () => {
      live();
      state.nowMs += 1;
      endStreams();
      reboot(state);
      live();
    },

    edges: edgePort(state, reach, stumble),
    run: async () => Promise.resolve({ exitCode: 0, output: '' }),
    room: async () => Promise.resolve(undefined),
    facts: async () => {
      reach(undefined);
      return Promise.resolve(state.actual.engine);
    },
    observe: async (scope, signal) => {
      reach(signal);
      const isClose = (c: Container): boolean =>
        c.owner !== undefined || c.edge !== undefined || scope.replaces.includes(c.name);
      const containers = state.actual.containers.map((c) =>
        isClose(c) ? withFactsFor(c, scope.known) : { ...c, detail: undefined },
      );
      return Promise.resolve(
        structuredClone({ ...state.actual, containers, edges: [], listeners: undefined }),
      );
    },
    apply: async (action, _environment, _onProgress, signal) => {
      reach(signal);
      stumble(action);
      const before = new Set(state.actual.containers.map((c) => c.id));
      carryOut(state, registry, action);
      live();
      tell();
      if (action.kind === 'pull') return Promise.resolve(originOf(action.image, registry));
      const made = state.actual.containers.find((c) => !before.has(c.id));
      return Promise.resolve(made && { kind: 'container', id: made.id });
    },
    resolveTag: async (image, signal) => {
      reach(signal);
      const { reference } = image;
      const local = state.actual.images.find((i) =>
        i.tags.some((t) => t.repository === reference.repository && t.tag === reference.tag),
      );
      if (image.pullPolicy === 'never' && local) return Promise.resolve({ kind: 'local', imageId: local.id });
      return Promise.resolve({ kind: 'digest', digest: registry.find(image).digest });
    },
    lastLines: async (id) => Promise.resolve([`last words of ${id.slice(0, 8)}`]),
    watch: async (onEvent, signal) => {
      reach(signal);
      const stream = Promise.withResolvers<void>();
      streams.push(stream);
      listeners.add(onEvent);
      signal.addEventListener('abort', () => stream.resolve(), { once: true });
      return stream.promise.finally(() => listeners.delete(onEvent));
    },
  };
};

/** What a container was created with is asked for only where it is not known to be ours. */
const withFactsFor = (container: Container, known: readonly string[] | undefined): Container => {
  if (!container.detail || (known !== undefined && !known.includes(container.id))) return container;
  const { facts: _unasked, ...detail } = container.detail;
  return { ...container, detail };
};

const originOf = ({ reference: { repository } }: ReleaseImage, registry: SimulatedRegistry): ImageOrigin =>
  registry.state() === 'mirrored'
    ? { kind: 'mirror', source: 'https://mirror.example.com', skipped: [] }
    : { kind: 'registry', source: repository.slice(0, repository.indexOf('/')), skipped: [] };

const carryOut = (state: EngineState, registry: SimulatedRegistry, action: EngineAction): void => {
  const refused = refusal(state, registry, action);
  if (refused === 'already') return;
  if (refused) throw refused;
  switch (action.kind) {
    case 'pull': {
      const { id, digest } = registry.find(action.image);
      return pull(state, action, { id, digest }, registry.state() === 'mirrored');
    }
    case 'create':
      return create(state, registry, action);
    case 'start':
    case 'stop': {
      state.actual = simulate(state.actual, action, state.nowMs);
      const { id } = action.container;
      if (action.kind === 'stop') setExitCode(state, registry, id);
      state.memories.set(id, {
        ...memoryOf(state, id),
        isStoppedByHand: action.kind === 'stop',
        restartAtMs: undefined,
      });
      return;
    }
    case 'leave-edge':
      return leaveEdge(state, action);
    case 'connect':
    case 'rejoin': {
      state.actual = simulate(state.actual, action, state.nowMs);
      remember(state, action.container.id, [action.network]);
      return;
    }
    case 'arm':
    case 'disarm':
    case 'rename':
    case 'remove':
    case 'limit':
    case 'unpause':
    case 'create-edge':
    case 'create-network':
    case 'remove-network':
    case 'create-volume':
    case 'tag-image':
    case 'remove-image':
      state.actual = simulate(state.actual, action, state.nowMs);
  }
};

const setExitCode = (state: EngineState, registry: SimulatedRegistry, id: string): void => {
  const container = state.actual.containers.find((c) => c.id === id);
  const { stopsWith } = container ? registry.behaviourOf(container.imageId) : {};
  if (!container?.detail || stopsWith === undefined) return;
  const stopped = { ...container, detail: { ...container.detail, exitCode: stopsWith } };
  replaceLife(state, { container: stopped, memory: memoryOf(state, id) });
};

const remember = (state: EngineState, id: string, networks: readonly string[]): void => {
  const memory = memoryOf(state, id);
  const ids = state.actual.networks.flatMap((n) =>
    networks.includes(n.name) ? [[n.name, n.id] as const] : [],
  );
  state.memories.set(id, { ...memory, networkIds: { ...memory.networkIds, ...Object.fromEntries(ids) } });
};

/** An edge whose ports somebody else has, or that finds no file, ends as soon as it starts. */
const lifeOf = (state: EngineState, registry: SimulatedRegistry, container: Container): Behaviour => {
  const behaviour = registry.behaviourOf(container.imageId);
  const { edge } = container;
  if (!edge) return behaviour;
  const isStarting = container.detail?.startedAtMs !== state.boundAt.get(edge.instance);
  if (container.state === 'running' && isStarting) {
    if (isEdgeBarred(state, container)) state.barred.add(edge.instance);
    else state.barred.delete(edge.instance);
  }
  return state.barred.has(edge.instance) ? { ...behaviour, exits: 1 } : behaviour;
};

const unique = <T>(list: readonly T[]): readonly T[] => [
  ...new Map(list.map((x) => [JSON.stringify(x), x])).values(),
];

const pull = (
  state: EngineState,
  action: Extract<EngineAction, { kind: 'pull' }>,
  found: { readonly id: Container['imageId']; readonly digest: string },
  isMirrored: boolean,
): void => {
  const { reference } = action.image;
  const next = simulate(
    { ...state.actual, images: [] },
    { ...action, image: { ...action.image, imageId: found.id, digest: found.digest as never } },
    state.nowMs,
  );
  const [pulled] = next.images;
  if (!pulled) return;
  const others = state.actual.images
    .filter((i) => i.id !== found.id)
    // A tag belongs to one image: it moves.
    .map((i) => ({
      ...i,
      tags: i.tags.filter((t) => t.repository !== reference.repository || t.tag !== reference.tag),
    }));
  const known = state.actual.images.find((i) => i.id === found.id);
  const merged = {
    ...pulled,
    tags: unique([...(known?.tags ?? []), ...pulled.tags]),
    digests: unique([...(known?.digests ?? []), ...(isMirrored ? [] : pulled.digests)]),
  };
  state.actual = { ...state.actual, images: [...others, merged] };
};

const create = (
  state: EngineState,
  registry: SimulatedRegistry,
  action: Extract<EngineAction, { kind: 'create' }>,
): void => {
  const before = new Set(state.actual.containers.map((c) => c.id));
  const behaviour = registry.behaviourOf(action.imageId);
  const declared = [
    ...action.release.spec.container.mounts.map((m) => m.target),
    ...(behaviour.volumes ?? []),
  ];
  const carried = Object.fromEntries(
    Object.entries(action.carried).filter(([target]) => declared.includes(target)),
  );
  state.actual = simulate(state.actual, { ...action, carried }, state.nowMs);
  const container = state.actual.containers.find((c) => !before.has(c.id));
  if (!container?.detail) return;
  const isDisabled = action.release.spec.container.healthcheck?.test?.length === 0;
  const hasImageCheck = behaviour.health !== undefined && behaviour.health !== 'absent' && !isDisabled;
  const known = new Set(container.detail.volumes.map((v) => v.target));
  const fresh = (behaviour.volumes ?? [])
    .filter((t) => !known.has(t))
    .map((target) => ({ target, name: anonymousName(container.id, target) }));
  const detail = {
    ...container.detail,
    health: hasImageCheck ? ('starting' as const) : container.detail.health,
    volumes: [...container.detail.volumes, ...fresh],
  };
  const { container: spec } = action.release.spec;
  replaceLife(state, { container: { ...container, detail }, memory: { ...NO_MEMORY, spec } });
  remember(
    state,
    container.id,
    detail.networks.map((n) => n.network),
  );
};

const anonymousName = (id: string, target: string): string =>
  Buffer.from(`${id}${target}`).toString('hex').slice(-64);

/** Graceful or not: whatever ran ended with SIGKILL's code. */
const KILLED = 137;

const reboot = (state: EngineState): void => {
  // Each start from here on is another one, even within the same millisecond.
  state.boundAt.clear();
  const ran = state.actual.containers.filter((c) => ['running', 'restarting', 'paused'].includes(c.state));
  for (const c of ran)
    state.actual = simulate(state.actual, { kind: 'stop', container: c, graceMs: 0 }, state.nowMs);
  for (const c of state.actual.containers) {
    const isDead = ran.some((r) => r.id === c.id);
    if (isDead && c.detail)
      replaceLife(state, {
        container: { ...c, detail: { ...c.detail, exitCode: KILLED } },
        memory: { ...memoryOf(state, c.id), restartAtMs: undefined },
      });
  }
  for (const c of state.actual.containers) {
    if (!comesBack(state, c) || takenPort(state, c) || donorRefusal(state, c)) continue;
    state.actual = simulate(state.actual, { kind: 'start', container: c, release: '' }, state.nowMs);
  }
};

/** As the real engine does: also one that was created and never started. */
const comesBack = (state: EngineState, { id, state: was, detail }: Container): boolean => {
  if (was === 'dead') return false;
  switch (detail?.restart.name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !memoryOf(state, id).isStoppedByHand;
    case 'on-failure':
      return detail.exitCode !== 0;
    case 'no':
    case undefined:
      return false;
  }
};
