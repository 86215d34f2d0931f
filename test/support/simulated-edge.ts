import { AgentError } from '../../src/core/errors.ts';
import { checkBackendName, serverName } from '../../src/core/edge/haproxy-names.ts';
import { HEALTH_BACKEND, HOST_ANSWER, type CheckedPort } from '../../src/core/edge/health-answer.ts';
import type { Written } from '../../src/core/edge/parse-haproxy.ts';
import { hasHealthEndpoint } from '../../src/core/edge/render-health.ts';
import type { EdgeFrontendSeen, EdgeServerSeen, EdgeState } from '../../src/core/edge/edge-config.ts';
import { overlaps } from '../../src/core/plan/host-ports.ts';
import { sameFrontend } from '../../src/core/plan/edge/edge-view.ts';
import { bound, left, unbound } from '../../src/core/plan/edge/simulate-edge.ts';
import { simulate } from '../../src/core/plan/simulate.ts';
import type { Edges, EdgeRuntimeAction } from '../../src/core/ports/edge.ts';
import type { EngineAction } from '../../src/core/ports/engine.ts';
import type { Container, EdgeSeen, HostListener, HostPort } from '../../src/core/state/actual.ts';
import type { SimulatedRegistry } from './simulated-registry.ts';
import type { EngineState } from './simulated-state.ts';

/** `hard-stop-after`, which is no shorter than any drain of the tests. */
const HARD_STOP_MS = 10_000;

/** Of programs that are no containers. */
export const STRANGER_UID = 1234;

const isRunning = (c: Container | undefined): boolean => c?.state === 'running';
const edgeOf = (state: EngineState, instance: string): EdgeSeen | undefined =>
  state.actual.edges.find((e) => e.instance === instance);

const changeState = (state: EngineState, instance: string, change: (s: EdgeState) => EdgeState): void => {
  state.actual = {
    ...state.actual,
    edges: state.actual.edges.map((e) =>
      e.instance === instance && e.state ? { ...e, state: change(e.state) } : e,
    ),
  };
};

/** No file to start with, or one with a port that it can't bind: a container publishes it, or a program listens there. */
export const isEdgeBarred = (state: EngineState, { id, edge }: Container): boolean => {
  const written = edge && edgeOf(state, edge.instance)?.written;
  if (written === undefined) return true;
  const others = state.actual.containers.filter((c) => c.id !== id && isRunning(c)).flatMap((c) => c.ports);
  const handed = handedOver(state, edge?.predecessor);
  const held = edgePorts(state, (c) => c.edge?.instance !== edge?.instance);
  if (written.frontends.some((f) => state.absentAddresses.includes(f.hostAddress))) return true;
  return written.frontends
    .filter((f) => !handed.some((h) => h.hostAddress === f.hostAddress && h.hostPort === f.hostPort))
    .some((f) => [...others, ...state.occupied, ...held].some((p) => overlaps(p, { ...f, protocol: 'tcp' })));
};

/** `-x`: what the predecessor listens on, where it runs and can be asked. The kernel lets nothing else share a port. */
const handedOver = (state: EngineState, predecessor: string | undefined): readonly EdgeFrontendSeen[] => {
  const isUp = state.actual.containers.some((c) => c.edge?.instance === predecessor && isRunning(c));
  if (predecessor === undefined || !isUp || state.isEdgeSilent || state.socketless.has(predecessor))
    return [];
  return edgeOf(state, predecessor)?.state?.frontends ?? [];
};

/** Ports that these edges hold in the host's network. */
export const edgePorts = (state: EngineState, isMeant: (c: Container) => boolean): readonly HostPort[] =>
  state.actual.containers
    .filter((c) => c.edge && isMeant(c) && c.ports.length === 0 && isRunning(c))
    .flatMap((c) => edgeOf(state, c.edge?.instance ?? '')?.state?.frontends ?? [])
    .map(({ hostAddress, hostPort }) => ({ hostAddress, hostPort, protocol: 'tcp' }));

/** At each start an edge makes its sockets anew, and has the folder that is there by then. */
const mend = (state: EngineState): void => {
  const isSame = (instance: string): boolean =>
    state.actual.containers.some(
      (c) =>
        c.edge?.instance === instance &&
        isRunning(c) &&
        state.boundAt.get(instance) === c.detail?.startedAtMs,
    );
  for (const cut of [state.socketless, state.folderless])
    for (const instance of cut) if (!isSame(instance)) cut.delete(instance);
};

/** Every edge as its container has it by now: bound once after each start, gone with it, its checks as the containers answer. */
export const edgesLived = (state: EngineState, registry: SimulatedRegistry): void => {
  mend(state);
  for (const container of state.actual.containers) {
    if (!container.edge) continue;
    const { instance } = container.edge;
    const startedAtMs = container.detail?.startedAtMs;
    if (!isRunning(container)) {
      state.actual = unbound(state.actual, container.id);
      state.boundAt.delete(instance);
      state.startedWith.delete(instance);
    } else if (state.boundAt.get(instance) !== startedAtMs) {
      const isDeaf = registry.behaviourOf(container.imageId).deaf === true || state.barred.has(instance);
      state.actual = isDeaf ? unbound(state.actual, container.id) : bound(state.actual, container.id);
      state.boundAt.set(instance, startedAtMs ?? 0);
      const written = edgeOf(state, instance)?.written;
      if (written && !isDeaf) state.startedWith.set(instance, written);
    }
    changeState(state, instance, (s) => ({
      ...s,
      servers: s.servers.map((x) => checked(state, registry, x)),
    }));
    const seen = edgeOf(state, instance)?.state;
    const isOver = state.nowMs >= (state.leavingSince.get(instance) ?? 0) + HARD_STOP_MS;
    if (seen?.isLeaving === true && (isOver || seen.servers.every((s) => s.sessions === 0)))
      state.actual = left(state.actual, container.id, state.nowMs);
  }
  const here = new Set(state.actual.containers.map((c) => c.edge?.instance));
  state.actual = {
    ...state.actual,
    edges: state.actual.edges.map((e) => (here.has(e.instance) ? e : { ...e, state: undefined })),
  };
};

const checked = (state: EngineState, registry: SimulatedRegistry, server: EdgeServerSeen): EdgeServerSeen => {
  const container = state.actual.containers.find((c) => serverName(c.id) === server.name);
  const isHere = container?.detail?.networks.some((n) => n.ip === server.address) === true;
  const isOpen = isHere && isRunning(container) && registry.behaviourOf(container.imageId).deaf !== true;
  return { ...server, check: isOpen ? 'L4OK' : 'down', sessions: isOpen ? server.sessions : 0 };
};

/** It takes nothing new, and ends with its last session. */
export const leaveEdge = (
  state: EngineState,
  { container }: Extract<EngineAction, { kind: 'leave-edge' }>,
): void => {
  const instance = state.actual.containers.find((c) => c.id === container.id)?.edge?.instance ?? '';
  changeState(state, instance, (s) => ({ ...s, isLeaving: true, frontends: [] }));
  state.leavingSince.set(instance, state.nowMs);
};

export interface EdgeByHand {
  /** So many are connected to a container, in every edge that knows it. */
  readonly connect: (name: string, sessions: number) => void;
  /** Edges go on as they are, and nobody can ask or tell them anything. */
  readonly silence: (isSilent: boolean) => void;
  /** `rm -r` of the state folder's part, files and sockets: edges that run go on, and nobody can reach them any more. */
  readonly loseFolder: () => void;
  /** The sockets alone. */
  readonly loseSockets: () => void;
  /** The file alone, with its folder: what is written there later, an edge that runs never sees. */
  readonly loseFile: () => void;
}

/** An edge that was told to leave listens on nothing; one whose port was closed keeps its map. */
export const heardAt = (state: EngineState, registry: SimulatedRegistry): readonly string[] => {
  const texts = state.actual.edges.flatMap((e) => {
    const rules = state.startedWith.get(e.instance);
    const endpoint = rules?.frontends.find((f) => f.backend === HEALTH_BACKEND);
    const isOpen = endpoint && e.state?.frontends.some((f) => sameFrontend(f, endpoint)) === true;
    return rules && e.state && isOpen ? [answersBy(state, registry, rules, e.state)] : [];
  });
  return [...new Set(texts)];
};

/** As the rules of `render-health.ts` have it. */
const answersBy = (
  state: EngineState,
  registry: SimulatedRegistry,
  rules: Written,
  { servers, answers = {}, counted }: EdgeState,
): string => {
  const isOpen = (port: CheckedPort): boolean =>
    state.actual.containers.some(
      (c) =>
        isRunning(c) &&
        registry.behaviourOf(c.imageId).deaf !== true &&
        c.ports.some((p) => overlaps(p, { ...port, protocol: 'tcp' })),
    );
  const closed = [
    ...rules.frontends
      .map(({ backend }) => backend)
      .filter((name) => name !== HEALTH_BACKEND)
      .filter((name) => servers.every((s) => s.backend !== name || s.admin !== 'ready' || s.check !== 'L4OK'))
      .map((name) => ({ service: name.slice(0, name.lastIndexOf(':')), backend: name })),
    ...rules.checks
      .filter((port) => !isOpen(port))
      .map((port) => ({ service: port.service, backend: checkBackendName(port) })),
  ].filter(({ backend }) => counted?.includes(backend) === true);
  const isClosed = (service: string): boolean =>
    closed.some((c) => service === HOST_ANSWER || c.service === service);
  return Object.entries(answers)
    .map(([service, { isUp }]) => `/${service} ${isUp && !isClosed(service) ? '200' : '503'}`)
    .toSorted()
    .join(', ');
};

const runningEdges = (state: EngineState): readonly string[] =>
  state.actual.containers.flatMap((c) => (c.edge && isRunning(c) ? [c.edge.instance] : []));

/** One that does not run has none to lose: it makes them when it starts. */
const loseSockets = (state: EngineState): void => {
  for (const instance of runningEdges(state)) state.socketless.add(instance);
};

/** Also of one that is about to come back by itself: it finds no file, and ends. */
const loseFile = (state: EngineState): void => {
  for (const instance of runningEdges(state)) state.folderless.add(instance);
  state.actual = {
    ...state.actual,
    edges: state.actual.edges.map(({ instance, state: seen, hasSockets }) => ({
      instance,
      state: seen,
      written: undefined,
      hasSockets,
    })),
  };
};

export const edgeByHand = (state: EngineState): EdgeByHand => ({
  connect: (name, sessions) => {
    const id = state.actual.containers.find((c) => c.name === name)?.id ?? '';
    const server = serverName(id);
    for (const { instance } of state.actual.edges)
      changeState(state, instance, (s) => ({
        ...s,
        servers: s.servers.map((x) => (x.name === server ? { ...x, sessions } : x)),
      }));
  },
  silence: (isSilent) => {
    state.isEdgeSilent = isSilent;
  },
  loseFolder: () => {
    loseFile(state);
    loseSockets(state);
  },
  loseFile: () => loseFile(state),
  loseSockets: () => loseSockets(state),
});

const listenersOf = (state: EngineState): readonly HostListener[] =>
  state.areListenersHidden ? [] : allListeners(state);

const allListeners = (state: EngineState): readonly HostListener[] => [
  ...state.occupied.map((p) => ({ address: p.hostAddress, port: p.hostPort, uid: STRANGER_UID })),
  ...edgePorts(state, () => true).map((p) => ({ address: p.hostAddress, port: p.hostPort, uid: 99 })),
];

/** The file changes in any case. An edge that does not run is no failure; one that does not answer is. */
const answerIn = (state: EngineState, action: Extract<EdgeRuntimeAction, { kind: 'edge-answer' }>): void => {
  const before = edgeOf(state, action.instance)?.state;
  state.actual = simulate(state.actual, action, state.nowMs);
  if (before === undefined || (!state.isEdgeSilent && !state.socketless.has(action.instance))) return;
  changeState(state, action.instance, () => before);
  if (state.isEdgeSilent)
    throw new AgentError('EDGE_UNREACHABLE', `edge ${action.instance} does not answer`, { retry: 'later' });
};

export const edgePort = (
  state: EngineState,
  reach: (signal: AbortSignal) => void,
  stumble: (action: EdgeRuntimeAction) => void,
): Edges => ({
  observe: async (instances, addresses, signal) => {
    reach(signal);
    const edges = instances.map((instance): EdgeSeen => {
      const seen = edgeOf(state, instance);
      const hasSockets = seen?.state !== undefined && !state.socketless.has(instance);
      const answer = state.isEdgeSilent || !hasSockets ? undefined : seen.state;
      const mayHaveAnswers = seen?.written === undefined || hasHealthEndpoint(seen.written);
      const answers = mayHaveAnswers ? seen?.answers : undefined;
      const map = answers && { answers, counted: seen?.counted ?? [] };
      return { instance, written: seen?.written, state: answer, hasSockets, ...map };
    });
    return Promise.resolve(
      structuredClone({
        edges,
        listeners: addresses && listenersOf(state),
        ...(addresses && { absentAddresses: addresses.filter((a) => state.absentAddresses.includes(a)) }),
      }),
    );
  },
  apply: async (action, signal) => {
    reach(signal);
    stumble(action);
    if (action.kind === 'edge-answer') return Promise.resolve(answerIn(state, action));
    const isRuntime = action.kind !== 'edge-write' && action.kind !== 'edge-discard';
    const isDeaf = isRuntime && (state.isEdgeSilent || state.socketless.has(action.instance));
    if (isDeaf || (isRuntime && !edgeOf(state, action.instance)?.state))
      throw new AgentError('EDGE_UNREACHABLE', `edge ${action.instance} does not answer`, { retry: 'later' });
    if (action.kind === 'edge-write' && state.folderless.has(action.instance))
      throw new AgentError('EDGE', 'cannot open haproxy.cfg.new: no such file', { retry: 'later' });
    state.actual = simulate(state.actual, action, state.nowMs);
    return Promise.resolve();
  },
});
