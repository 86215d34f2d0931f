import type { Healthcheck, RestartPolicy } from '../compose/project-model.ts';
import type { Namespace } from '../compose/namespaces.ts';
import type { EdgeState } from '../edge/edge-config.ts';
import type { HealthMap } from '../edge/health-answer.ts';
import type { Written } from '../edge/parse-haproxy.ts';
import type { Digest, ImageId, Repository } from '../image/reference.ts';
import type { EpochMs } from '../time.ts';

/** The observed state of the host, reduced to what decisions need. Plain JSON, read again at every pass. */
export interface Actual {
  readonly engine: EngineFacts;
  /** All containers on the engine, ours and foreign. */
  readonly containers: readonly Container[];
  readonly networks: readonly Network[];
  readonly volumes: readonly Volume[];
  readonly images: readonly Image[];
  /** The edges of this environment: one entry for each edge container. */
  readonly edges: readonly EdgeSeen[];
  /** Listening TCP sockets of this host; undefined if not read in this pass, empty if not visible. */
  readonly listeners: readonly HostListener[] | undefined;
  /** Declared addresses at which this host cannot listen, read together with `listeners`. */
  readonly absentAddresses?: readonly string[];
}

/** With what its health endpoint answers from after a restart, unless that was never written. */
export interface EdgeSeen extends Partial<HealthMap> {
  readonly instance: string;
  /** Undefined if the edge does not answer. */
  readonly state: EdgeState | undefined;
  /** The config file that a restart of this edge reads. Undefined if none was ever written. */
  readonly written: Written | undefined;
  /** False if its socket files do not exist, as for a moment after each start. */
  readonly hasSockets: boolean;
}

export interface HostListener {
  /** Canonical IP; empty means every address. */
  readonly address: string;
  readonly port: number;
  /** User id of the socket's owner. */
  readonly uid: number;
}

export interface EngineFacts {
  /** Stable over engine restarts; the key of the writer's lock. */
  readonly id: string;
  readonly version: string;
  readonly apiVersion: string;
  /** `linux/amd64` */
  readonly platform: string;
  /** A remote engine's host: probes use its published ports instead of container addresses. */
  readonly remoteHost: string | undefined;
  /** The engine's default log driver. */
  readonly logDriver?: string;
  /** The limits that this engine enforces; it silently drops all others. */
  readonly enforces: readonly (keyof Limits)[];
}

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing' | 'dead';

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly imageId: ImageId;
  readonly state: ContainerState;
  /** Our labels, if it is a container of our environment; after `identify` only if they are true. */
  readonly owner: Owner | undefined;
  /**
   * Present for a copy of a container of ours that another program made: the labels of the original. `owner`
   * then names a release that was never published.
   */
  readonly copyOf?: Owner & Pick<Lookalike, 'differs'>;
  /** Present if the container bears our labels but is not ours. It is then treated as foreign. */
  readonly lookalike?: Lookalike;
  /** The other environment that its labels name. Undefined for our containers and for foreign ones. */
  readonly otherEnvironment: string | undefined;
  /** Present together with `otherEnvironment`. */
  readonly otherOwner?: OtherOwner;
  /** Present on the edges of our environment. */
  readonly edge?: EdgeOwner | undefined;
  /** A preflight container, to be removed: it only showed that another container could start. */
  readonly isPreflight?: true;
  /** The container that this agent runs in. */
  readonly isSelf?: true;
  /** Host ports that the container publishes, or would publish if it is stopped. */
  readonly ports: readonly HostPort[];
  /** Present for inspected containers: our own, those that a service replaces, and donors. */
  readonly detail: ContainerDetail | undefined;
}

/** Our labels, parsed. */
export interface Owner {
  readonly service: string;
  readonly replica: number;
  /** Release id, 64 hex digits. */
  readonly release: string;
  readonly serial: number;
  readonly version: string;
  /** The declared restart policy, which `arm` puts in force. */
  readonly restart: RestartPolicy;
}

export interface Lookalike {
  /** The service that the labels name; empty if they name an edge. */
  readonly service: string;
  /** Facts in which it differs from a container of ours: `name`, `image`, `environment`... Never a value. */
  readonly differs: readonly string[];
}

/** The labels of an edge's container. */
export interface EdgeOwner {
  readonly instance: string;
  /** `edgeShape` of the config that the edge was created for. */
  readonly shape: string;
  /** The instance from which it takes the listeners. The first agents did not record it. */
  readonly predecessor?: string;
}

/** What another environment's labels claim. They are easy to forge, so only messages use them. */
export interface OtherOwner {
  readonly service?: string;
  readonly isEdge: boolean;
  /** Ports that the edge was created for; empty if its agent did not record them. */
  readonly edgePorts: readonly (HostPort & { readonly service: string })[];
}

export interface ContainerDetail {
  readonly createdAtMs: EpochMs;
  /** Undefined if the container never started. */
  readonly startedAtMs: EpochMs | undefined;
  readonly finishedAtMs: EpochMs | undefined;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly restartCount: number;
  readonly health: Health;
  /** The check in force: the image's, with what the compose file changes. Absent without a check. */
  readonly healthcheck?: Healthcheck;
  /** Output of the last health check, truncated. */
  readonly healthOutput: string | undefined;
  /** Why the engine could not start it, if that is the fault of the image or the command. */
  readonly startFault: string | undefined;
  /** The restart policy in force now. */
  readonly restart: RestartPolicy;
  readonly networks: readonly Endpoint[];
  readonly volumes: readonly { readonly name: string; readonly target: string }[];
  /** The donor of each joined namespace: its id, or its requested name if it was absent at creation. */
  readonly joined?: Readonly<Partial<Record<Namespace, string>>>;
  readonly limits: Limits;
  /** Created with `docker run --rm`: stopping the container removes it, so there is no way back to it. */
  readonly autoRemove: boolean;
  /** Present for the log driver `json-file` without `max-size`: the log grows until the disk is full. */
  readonly isLogUnlimited?: true;
  /** Time from the stop signal to SIGKILL, as set at creation. */
  readonly stopGraceMs: number | undefined;
  /** Present if the ledger does not know the container. These facts then have to prove that it is ours. */
  readonly facts?: CreateFacts;
}

/** What a container was created with, limited to the facts that every engine returns as requested. */
export interface CreateFacts {
  readonly process: ProcessFacts;
  /** `host`, `none`, `container:ID`, or the name of a network. */
  readonly networkMode: string;
  readonly mounts: readonly { readonly kind: string; readonly target: string }[];
  /** What its image declares, which the engine merges into the container. Undefined if the image is gone. */
  readonly image: ProcessFacts | undefined;
}

export interface ProcessFacts {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export type Health = 'none' | 'starting' | 'healthy' | 'unhealthy';

export interface Endpoint {
  readonly network: string;
  /** Empty while the container is not running. */
  readonly ip: string;
  /** Present if it has this one beside the IPv4 address of `ip`. */
  readonly ipv6?: string;
  /** Requested addresses, IPv4 first, kept over restarts. Absent if the engine chooses one at each start. */
  readonly fixedIps?: readonly string[];
  /** In lower case. Absent while the container is not running. */
  readonly mac?: string;
  /** DNS names on this network, beside the container's own name and id. */
  readonly aliases: readonly string[];
}

/** What `docker update` can change. 0 or empty means unlimited. */
export interface Limits {
  readonly memoryBytes: number;
  /** Memory and swap together; -1 means unlimited swap. */
  readonly memorySwapBytes: number;
  readonly memoryReservationBytes: number;
  readonly nanoCpus: number;
  readonly cpuShares: number;
  readonly cpuset: string;
  readonly pidsLimit: number;
}

export interface HostPort {
  /** Empty means every address. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly protocol: string;
}

export interface Network {
  readonly id: string;
  readonly name: string;
  /** IPv4 and IPv6, as the engine writes them: `172.18.0.0/16`. */
  readonly subnets: readonly string[];
  /**
   * Ports of its containers: absent on a bridge, which publishes them; `never` if the network is internal.
   */
  readonly publishes?: 'never' | 'unknown';
  /** Present on the networks of our environment. */
  readonly owner: { readonly network: string; readonly hash: string } | undefined;
  /** Name of the other environment that owns it. */
  readonly otherEnvironment?: string;
}

export interface Volume {
  readonly name: string;
  readonly owner: { readonly volume: string; readonly hash: string } | undefined;
  /** Name of the other environment that owns it. */
  readonly otherEnvironment?: string;
}

export interface Image {
  readonly id: ImageId;
  /** `repository:tag`, normalised. */
  readonly tags: readonly { readonly repository: Repository; readonly tag: string }[];
  readonly digests: readonly { readonly repository: Repository; readonly digest: Digest }[];
}
