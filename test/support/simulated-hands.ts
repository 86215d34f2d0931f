import { simulate } from '../../src/core/plan/simulate.ts';
import type { RestartPolicy } from '../../src/core/compose/project-model.ts';
import type { ImageId } from '../../src/core/image/reference.ts';
import type {
  Container,
  ContainerDetail,
  CreateFacts,
  Limits,
  Network,
  OtherOwner,
} from '../../src/core/state/actual.ts';
import { ended } from './simulated-life.ts';
import { memoryOf, replaceLife, type EngineState } from './simulated-state.ts';
import { imageIdOf } from './world.ts';

export interface ForeignContainer {
  readonly name: string;
  readonly image?: string;
  readonly port?: number;
  readonly restart?: RestartPolicy['name'];
  readonly otherEnvironment?: string;
  readonly otherOwner?: OtherOwner;
  readonly networks?: readonly string[];
}

/** What somebody with a shell does to the engine, by container name. Unknown names change nothing. */
export interface ByHand {
  readonly run: (foreign: ForeignContainer) => void;
  readonly stop: (name: string) => void;
  /** From outside: its restart policy decides what comes next. */
  readonly kill: (name: string) => void;
  readonly restart: (name: string) => void;
  readonly pause: (name: string) => void;
  /** Also a running one, as `docker rm --force`. */
  readonly remove: (name: string) => void;
  readonly rename: (name: string, to: string) => void;
  readonly update: (name: string, restart: RestartPolicy['name']) => void;
  readonly limit: (name: string, limits: Partial<Limits>) => void;
  readonly disconnect: (name: string, network: string) => void;
  /** Disconnects it and connects it again, without the names and addresses that it had. */
  readonly reconnect: (name: string, network: string) => void;
  readonly removeNetwork: (name: string) => void;
  /** A network or a volume of another environment; nothing where the name is taken. */
  readonly addNetwork: (name: string, otherEnvironment: string, when?: 'at the same moment') => void;
  readonly putNetwork: (network: Network) => void;
  readonly addVolume: (name: string, otherEnvironment?: string) => void;
  readonly removeVolume: (name: string) => void;
  readonly removeImage: (id: ImageId) => void;
  readonly change: (name: string, change: Partial<Container>) => void;
  /** As tools that update by `inspect`: the container is removed, and one with its name, labels and places made of another image. */
  readonly recreate: (name: string, image: string) => void;
  /** A running container of that image and name that bears the labels of this one. */
  readonly imitate: (name: string, image: string, as: string) => void;
}

const noLimits: Limits = {
  memorySwapBytes: 0,
  memoryBytes: 0,
  memoryReservationBytes: 0,
  nanoCpus: 0,
  cpuShares: 0,
  cpuset: '',
  pidsLimit: 0,
};

export const createByHand = (state: EngineState, tell: () => void): ByHand => {
  const find = (name: string): Container | undefined => state.actual.containers.find((c) => c.name === name);
  const change = (name: string, changed: Partial<Container>, detail: Partial<ContainerDetail> = {}): void => {
    const container = find(name);
    if (!container) return;
    const known = changed.detail ?? container.detail;
    const next = { ...container, ...changed, ...(known && { detail: { ...known, ...detail } }) };
    replaceLife(state, { container: next, memory: memoryOf(state, container.id) });
    tell();
  };
  const copy = (original: Container, image: string, name: string): void => {
    const id = Buffer.from(`copy ${String(copies)} ${name} ${String(state.nowMs)}`).toString('hex');
    copies += 1;
    const made = { ...original, id: id.padEnd(64, '0').slice(0, 64), name, imageId: imageIdOf(image) };
    const { detail } = made;
    const facts = detail?.facts && withVariable(detail.facts, 'COPIED');
    const container = {
      ...made,
      ...(detail && { detail: { ...detail, createdAtMs: state.nowMs, ...(facts && { facts }) } }),
    };
    state.actual = { ...state.actual, containers: [...state.actual.containers, container] };
    if (['running', 'restarting'].includes(original.state))
      state.actual = simulate(state.actual, { kind: 'start', container, release: '' }, state.nowMs);
    tell();
  };
  let copies = 0;
  return {
    change,
    run: (foreign) => {
      const container = foreignContainer(foreign, state.nowMs);
      state.actual = { ...state.actual, containers: [...state.actual.containers, container] };
      tell();
    },
    stop: (name) => {
      const container = find(name);
      if (!container || !['running', 'restarting', 'paused'].includes(container.state)) return;
      state.actual = simulate(state.actual, { kind: 'stop', container, graceMs: 0 }, state.nowMs);
      state.memories.set(container.id, {
        ...memoryOf(state, container.id),
        isStoppedByHand: true,
        restartAtMs: undefined,
      });
      tell();
    },
    kill: (name) => {
      const container = find(name);
      if (container?.state !== 'running') return;
      replaceLife(state, ended({ container, memory: memoryOf(state, container.id) }, 137, state.nowMs));
      tell();
    },
    restart: (name) => {
      const container = find(name);
      if (!container) return;
      // What was started a moment ago was so before.
      state.nowMs += 1;
      for (const kind of ['stop', 'start'] as const)
        state.actual = simulate(state.actual, { kind, container, graceMs: 0, release: '' }, state.nowMs);
      tell();
    },
    pause: (name) => {
      if (find(name)?.state === 'running') change(name, { state: 'paused' });
    },
    remove: (name) => {
      state.actual = { ...state.actual, containers: state.actual.containers.filter((c) => c.name !== name) };
      tell();
    },
    rename: (name, to) => {
      if (!find(to)) change(name, { name: to });
    },
    update: (name, restart) => {
      change(name, {}, { restart: { name: restart, maxRetries: 0 } });
    },
    limit: (name, limits) => {
      change(name, {}, { limits: { ...(find(name)?.detail?.limits ?? noLimits), ...limits } });
    },
    disconnect: (name, network) => {
      change(
        name,
        {},
        { networks: (find(name)?.detail?.networks ?? []).filter((n) => n.network !== network) },
      );
    },
    reconnect: (name, network) => {
      const others = (find(name)?.detail?.networks ?? []).filter((n) => n.network !== network);
      const ip = find(name)?.state === 'running' ? '10.0.0.77' : '';
      change(name, {}, { networks: [...others, { network, ip, aliases: [] }] });
    },
    removeNetwork: (name) => {
      state.actual = { ...state.actual, networks: state.actual.networks.filter((n) => n.name !== name) };
    },
    recreate: (name, image) => {
      const original = find(name);
      if (!original) return;
      state.actual = { ...state.actual, containers: state.actual.containers.filter((c) => c.name !== name) };
      copy(original, image, name);
    },
    imitate: (name, image, as) => {
      const original = find(name);
      if (original) copy(original, image, as);
    },
    addNetwork: (name, otherEnvironment, when) => {
      // Old engines look for the name first, and take it later.
      if (when === undefined && state.actual.networks.some((n) => n.name === name)) return;
      const network = { id: `other ${name}`, name, subnets: [], owner: undefined, otherEnvironment };
      state.actual = { ...state.actual, networks: [...state.actual.networks, network] };
    },
    putNetwork: (network) => {
      state.actual = { ...state.actual, networks: [...state.actual.networks, network] };
    },
    addVolume: (name, otherEnvironment) => {
      if (state.actual.volumes.some((v) => v.name === name)) return;
      const volume = { name, owner: undefined, ...(otherEnvironment !== undefined && { otherEnvironment }) };
      state.actual = { ...state.actual, volumes: [...state.actual.volumes, volume] };
    },
    removeVolume: (name) => {
      state.actual = { ...state.actual, volumes: state.actual.volumes.filter((v) => v.name !== name) };
    },
    removeImage: (id) => {
      state.actual = { ...state.actual, images: state.actual.images.filter((i) => i.id !== id) };
    },
  };
};

const withVariable = (facts: CreateFacts, name: string): CreateFacts => ({
  ...facts,
  process: { ...facts.process, environment: { ...facts.process.environment, [name]: '1' } },
});

const foreignContainer = (foreign: ForeignContainer, nowMs: number): Container => ({
  id: Buffer.from(`foreign ${foreign.name} ${String(nowMs)}`)
    .toString('hex')
    .padEnd(64, '0')
    .slice(0, 64),
  name: foreign.name,
  imageId: imageIdOf(foreign.image ?? 'foreign:1'),
  state: 'running',
  owner: undefined,
  otherEnvironment: foreign.otherEnvironment,
  ...(foreign.otherOwner && { otherOwner: foreign.otherOwner }),
  ports: foreign.port === undefined ? [] : [{ hostAddress: '', hostPort: foreign.port, protocol: 'tcp' }],
  detail: {
    createdAtMs: nowMs,
    startedAtMs: nowMs,
    finishedAtMs: undefined,
    exitCode: 0,
    oomKilled: false,
    restartCount: 0,
    health: 'none',
    healthOutput: undefined,
    startFault: undefined,
    autoRemove: false,
    restart: { name: foreign.restart ?? 'no', maxRetries: 0 },
    networks: (foreign.networks ?? []).map((network) => ({ network, ip: '10.0.0.9', aliases: [] })),
    volumes: [],
    limits: noLimits,
    stopGraceMs: undefined,
  },
});
