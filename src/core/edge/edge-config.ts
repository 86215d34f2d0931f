/** `http` switches between two requests of a kept connection; `tcp` only between two connections. */
export type EdgeProtocol = 'http' | 'tcp';

/** `drain`: no new sessions, the present ones stay. `maint`: the same, and no health checks. */
export type EdgeServerState = 'ready' | 'drain' | 'maint';

/** One app container's port, as the edge reaches it. */
export interface EdgeServer {
  /** `serverName(containerId)`. Never given to another container. */
  readonly name: string;
  /** IPv4 or IPv6 on the edge network. */
  readonly address: string;
  readonly port: number;
  readonly state: EdgeServerState;
}

export interface EdgeBackend {
  /** `backendName(service, containerPort)`. */
  readonly name: string;
  readonly protocol: EdgeProtocol;
  readonly servers: readonly EdgeServer[];
}

export interface EdgeFrontend {
  /** Empty: every address of the host. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly protocol: EdgeProtocol;
  /** Name of the backend. */
  readonly backend: string;
}

/** `host`: shares the host's network. `publish`: on a bridge, the engine publishes its ports. */
export type EdgeMode = 'host' | 'publish';

/** What the edge of an environment should be. */
export interface EdgeConfig {
  readonly environment: string;
  /**
   * Names this one edge container's files and sockets beside those of the one that it replaces. Never used
   * again.
   */
  readonly instance: string;
  readonly mode: EdgeMode;
  /** Owner of the sockets, as seen inside the container: the agent's uid; 0 on rootless engines. */
  readonly agentUid: number;
  /**
   * Whether "every address" includes IPv6: binding it on a host without IPv6 keeps the edge from starting.
   */
  readonly hasIpv6: boolean;
  readonly frontends: readonly EdgeFrontend[];
  readonly backends: readonly EdgeBackend[];
  /** Hard end of an edge that leaves. */
  readonly longestDrainMs: number;
}

/**
 * `pending`: never checked, or not checked in maintenance. `L4OK`: the edge would send to it; one failed
 * check since the last good one does not change that. `down`: it would not.
 */
export type EdgeCheck = 'L4OK' | 'pending' | 'down';

export interface EdgeServerSeen {
  readonly backend: string;
  readonly name: string;
  /** Empty where only a leaving worker still knows it. */
  readonly address: string;
  readonly port: number;
  readonly admin: EdgeServerState;
  readonly check: EdgeCheck;
  /** Current and queued, summed over every worker. An idle keep-alive client in http mode is none. */
  readonly sessions: number;
}

export interface EdgeFrontendSeen {
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly protocol: EdgeProtocol;
}

export interface EdgeWorker {
  readonly pid: number;
  /** False: of a generation before a reload, which only ends its sessions. */
  readonly isCurrent: boolean;
}

/** What the runtime of one edge says. */
export interface EdgeState {
  /** Of HAProxy, as it says: `2.6.12-1+deb12u4`. */
  readonly version: string;
  readonly environment: string;
  /** `edgeShape` of the config that it started with: another one needs another edge. */
  readonly shape: string;
  /**
   * Those of its file when it started; another agent's are not `EDGE_SETTINGS`, and the first agents named
   * none.
   */
  readonly settings: string;
  readonly masterPid: number;
  readonly workers: readonly EdgeWorker[];
  /** After SIGUSR1: nothing is bound any more, only sessions are left. */
  readonly isLeaving: boolean;
  /** The bound ones. A config with one that cannot be bound does not start at all. */
  readonly frontends: readonly EdgeFrontendSeen[];
  /** By backend, then name. */
  readonly servers: readonly EdgeServerSeen[];
}
