import { overlaps } from '../../src/core/plan/host-ports.ts';
import type { Written } from '../../src/core/edge/parse-haproxy.ts';
import type { Actual, Container, HostPort } from '../../src/core/state/actual.ts';
import { edgePorts } from './simulated-edge.ts';
import type { Life, Memory } from './simulated-life.ts';

/** The simulated engine's own state; everything about it changes here. */
export interface EngineState {
  actual: Actual;
  readonly memories: Map<string, Memory>;
  nowMs: number;
  /** What programs outside the engine listen on. */
  occupied: readonly HostPort[];
  /** When each edge's container had been started when it bound its ports. */
  readonly boundAt: Map<string, number>;
  /** The file that each edge started with: a running HAProxy keeps its rules, whatever the file says later. */
  readonly startedWith: Map<string, Written>;
  /** Instances that could not bind their ports at their last start. */
  readonly barred: Set<string>;
  /** When each edge was told to leave. */
  readonly leavingSince: Map<string, number>;
  isEdgeSilent: boolean;
  /** Nobody takes the logs of containers that do not keep them on this host. */
  isLogServerDown: boolean;
  /** Each running container's last start, counted: the clock may be set back between two. */
  readonly starts: Map<string, { readonly atMs: number; readonly count: number }>;
  /** Addresses that the host does not have. */
  absentAddresses: readonly string[];
  /** The agent is in a network of its own. */
  areListenersHidden: boolean;
  /** Instances whose sockets were removed: they go on, and nobody can ask them before they start again. */
  readonly socketless: Set<string>;
  /** Instances whose mounted folder was removed: what is written there later, they see once they start again. */
  readonly folderless: Set<string>;
}

export const NO_MEMORY: Memory = { isStoppedByHand: false, networkIds: {}, restartAtMs: undefined };

export const memoryOf = (state: EngineState, id: string): Memory => state.memories.get(id) ?? NO_MEMORY;

export const replaceLife = (state: EngineState, { container, memory }: Life): void => {
  state.memories.set(container.id, memory);
  const containers = state.actual.containers.map((c) => (c.id === container.id ? container : c));
  state.actual = { ...state.actual, containers };
};

/** A fixed address of the container that a running one has. */
export const takenAddress = ({ actual }: EngineState, { id, detail }: Container): string | undefined => {
  const held = actual.containers
    .filter((c) => c.id !== id && ['running', 'paused'].includes(c.state))
    .flatMap((c) => c.detail?.networks ?? []);
  return (detail?.networks ?? [])
    .flatMap(({ network, fixedIps = [] }) => fixedIps.map((ip) => ({ network, ip })))
    .find((a) => held.some((h) => h.network === a.network && [h.ip, ...(h.fixedIps ?? [])].includes(a.ip)))
    ?.ip;
};

/** Every port a container publishes that somebody else holds. */
export const takenPort = (state: EngineState, container: Container): HostPort | undefined => {
  const held = state.actual.containers
    .filter((c) => c.id !== container.id && ['running', 'restarting', 'paused'].includes(c.state))
    .flatMap((c) => c.ports)
    .concat(edgePorts(state, (c) => c.id !== container.id));
  return container.ports.find((p) => [...held, ...state.occupied].some((h) => overlaps(p, h)));
};
