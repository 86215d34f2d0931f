import type { CheckedPort, HealthMap } from './health-answer.ts';

/** `http` can change the server between requests of one connection, `tcp` only between connections. */
export type EdgeProtocol = 'http' | 'tcp';

/** `drain`: no new sessions, existing ones go on. `maint`: the same, without health checks. */
export type EdgeServerState = 'ready' | 'drain' | 'maint';

/** One app container's port, as the edge reaches it. */
export interface EdgeServer {
  /** `serverName(containerId)`; never reused for another container. */
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
  /** Empty means every address of the host. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly protocol: EdgeProtocol;
  readonly backend: string;
}

/** `host`: the edge shares the host's network. `publish`: the engine publishes its ports. */
export type EdgeMode = 'host' | 'publish';

/** The desired edge of an environment. */
export interface EdgeConfig {
  readonly environment: string;
  /** Names the files and sockets of this edge container beside those of its predecessor. Never reused. */
  readonly instance: string;
  readonly mode: EdgeMode;
  /** Owner of the sockets, as seen inside the container: the agent's uid, or 0 on rootless engines. */
  readonly agentUid: number;
  /** Whether "every address" includes IPv6, which an edge cannot bind on a host without it. */
  readonly hasIpv6: boolean;
  /** `ADDRESS/PREFIX`: what their headers say about a client (`X-Forwarded-For`) is passed on. */
  readonly trustedProxies: readonly string[];
  readonly frontends: readonly EdgeFrontend[];
  readonly backends: readonly EdgeBackend[];
  /** When a leaving edge ends its last sessions by force. */
  readonly longestDrainMs: number;
  /** What the health endpoint tries itself. It exists if a frontend leads to HEALTH_BACKEND. */
  readonly checks?: readonly CheckedPort[];
}

/**
 * `pending`: not checked yet, or in maintenance. `L4OK`: the edge would send to the server; one failed check
 * since the last good one does not change that. `down`: the edge would not send to it.
 */
export type EdgeCheck = 'L4OK' | 'pending' | 'down';

export interface EdgeServerSeen {
  readonly backend: string;
  readonly name: string;
  /** Empty if only a leaving worker still knows the server. */
  readonly address: string;
  readonly port: number;
  readonly admin: EdgeServerState;
  readonly check: EdgeCheck;
  /** Current and queued, over all workers. An idle keep-alive client in http mode counts as none. */
  readonly sessions: number;
}

export interface EdgeFrontendSeen {
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly protocol: EdgeProtocol;
}

export interface EdgeWorker {
  readonly pid: number;
  /** False for a worker from before a reload, which only ends its sessions. */
  readonly isCurrent: boolean;
}

/** What the runtime API of one edge reports; with its map, if it started with the health endpoint. */
export interface EdgeState extends Partial<HealthMap> {
  /** HAProxy's version as it reports it: `2.6.12-1+deb12u4`. */
  readonly version: string;
  readonly environment: string;
  /** `edgeShape` of the config that it started with. Another shape needs another edge. */
  readonly shape: string;
  /** The settings that it started with, to compare with `EDGE_SETTINGS`. The first agents recorded none. */
  readonly settings: string;
  readonly masterPid: number;
  readonly workers: readonly EdgeWorker[];
  /** True after SIGUSR1: the edge listens on nothing and only ends its sessions. */
  readonly isLeaving: boolean;
  /** The bound frontends. HAProxy does not start at all if it cannot bind one of them. */
  readonly frontends: readonly EdgeFrontendSeen[];
  /** Sorted by backend, then name; without the checked ports of the health endpoint. */
  readonly servers: readonly EdgeServerSeen[];
}
