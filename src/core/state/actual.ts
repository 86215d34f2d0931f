import type { RestartPolicy } from '../compose/project-model.ts';
import type { Namespace } from '../compose/namespaces.ts';
import type { EdgeState } from '../edge/edge-config.ts';
import type { Written } from '../edge/parse-haproxy.ts';
import type { Digest, ImageId, Repository } from '../image/reference.ts';
import type { EpochMs } from '../time.ts';

/** What the engine says, reduced to what decisions need. Plain JSON; observed anew at every tick. */
export interface Actual {
  readonly engine: EngineFacts;
  /** Every container of the engine, ours and foreign. */
  readonly containers: readonly Container[];
  readonly networks: readonly Network[];
  readonly volumes: readonly Volume[];
  readonly images: readonly Image[];
  /** The edges of this environment, one for each of their containers. */
  readonly edges: readonly EdgeSeen[];
  /**
   * Who listens on this host's TCP ports. Undefined: not looked for this time; empty where it can't be seen
   * from here.
   */
  readonly listeners: readonly HostListener[] | undefined;
}

export interface EdgeSeen {
  readonly instance: string;
  /** Undefined: it does not answer. */
  readonly state: EdgeState | undefined;
  /** The file that it comes back with; undefined: none was ever written. */
  readonly written: Written | undefined;
  /** False: where it is asked there is nothing. One that starts has none for a moment. */
  readonly hasSockets: boolean;
}

export interface HostListener {
  /** Canonical; empty: every address. */
  readonly address: string;
  readonly port: number;
  /** The socket's owner. */
  readonly uid: number;
}

export interface EngineFacts {
  /** Stable over restarts; key of the writer's lock. */
  readonly id: string;
  readonly version: string;
  readonly apiVersion: string;
  /** `linux/amd64` */
  readonly platform: string;
  /** Where published ports are reached when container addresses are not: a remote engine's host. */
  readonly remoteHost: string | undefined;
  /** Where logs go unless a service says otherwise. */
  readonly logDriver?: string;
  /** The limits that this engine can enforce; it drops the others silently. */
  readonly enforces: readonly (keyof Limits)[];
}

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing' | 'dead';

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly imageId: ImageId;
  readonly state: ContainerState;
  /**
   * Present on the containers of our environment: as their labels say, and after `identify` only where that
   * is true.
   */
  readonly owner: Owner | undefined;
  /**
   * Another program made it in the place of a container of ours, which was this. `owner` then names a release
   * that nobody published.
   */
  readonly copyOf?: Owner & Pick<Lookalike, 'differs'>;
  /** Its labels say that it is ours, and it is not: it is treated as foreign. */
  readonly lookalike?: Lookalike;
  /** Another environment's container names it here; foreign and ours have none. */
  readonly otherEnvironment: string | undefined;
  /** Beside `otherEnvironment`. */
  readonly otherOwner?: OtherOwner;
  /** Present on the edges of our environment. */
  readonly edge?: EdgeOwner | undefined;
  /** Of our environment: it only showed that another one could start, and is to be removed. */
  readonly isPreflight?: true;
  /** The container that this agent runs in. */
  readonly isSelf?: true;
  /** Published (or, for a stopped one, wanted) host ports. */
  readonly ports: readonly HostPort[];
  /** Present where we looked closer: our own containers, those that a service replaces, and donors. */
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
  /** The declared restart policy: what `arm` puts in force. */
  readonly restart: RestartPolicy;
}

export interface Lookalike {
  /** The service that its labels name; empty: they name an edge. */
  readonly service: string;
  /** What tells it from a container of ours: `name`, `image`, `environment`... Never a value. */
  readonly differs: readonly string[];
}

/** The labels of an edge's container. */
export interface EdgeOwner {
  readonly instance: string;
  /** `edgeShape` of the config that it was made for. */
  readonly shape: string;
  /**
   * The instance that it was made to take the listeners over from; the first agents did not write it down.
   */
  readonly predecessor?: string;
}

/** What the labels of another environment's container say. They can be written by anybody: for messages. */
export interface OtherOwner {
  readonly service?: string;
  readonly isEdge: boolean;
  /** Where an edge was made to listen; empty where its agent did not write it down. */
  readonly edgePorts: readonly (HostPort & { readonly service: string })[];
}

export interface ContainerDetail {
  readonly createdAtMs: EpochMs;
  /** Undefined: never started. */
  readonly startedAtMs: EpochMs | undefined;
  readonly finishedAtMs: EpochMs | undefined;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly restartCount: number;
  readonly health: Health;
  /** Output of the last health check, cut. */
  readonly healthOutput: string | undefined;
  /** Why the engine could not start it, where that is the image's or the command's fault. */
  readonly startFault: string | undefined;
  /** The policy in force now. */
  readonly restart: RestartPolicy;
  readonly networks: readonly Endpoint[];
  readonly volumes: readonly { readonly name: string; readonly target: string }[];
  /**
   * Whose namespaces it joins: the donor's id; its name as it was asked for, where none was there at the
   * creation.
   */
  readonly joined?: Readonly<Partial<Record<Namespace, string>>>;
  readonly limits: Limits;
  /** `docker run --rm`: stopping it removes it, so that there is no way back to it. */
  readonly autoRemove: boolean;
  /** From the stop signal to SIGKILL, as the container was created. */
  readonly stopGraceMs: number | undefined;
  /**
   * Present where the ledger does not know the container: what it was created with has to prove that it is
   * ours.
   */
  readonly facts?: CreateFacts;
}

/** What a container was created with, as far as every engine gives it back as it was asked for. */
export interface CreateFacts {
  readonly process: ProcessFacts;
  /** `host`, `none`, `container:ID`, or the name of a network. */
  readonly networkMode: string;
  readonly mounts: readonly { readonly kind: string; readonly target: string }[];
  /** What its image declares: the engine merges that into the container. Undefined: the image is gone. */
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
  /**
   * The address that it asked for, and keeps over a restart; absent: the engine chooses one at each start.
   */
  readonly fixedIp?: string;
  /** The names that it is found by, beside its own name and id. */
  readonly aliases: readonly string[];
}

/** What `docker update` can change by hand. 0 or empty: unlimited. */
export interface Limits {
  readonly memoryBytes: number;
  readonly memoryReservationBytes: number;
  readonly nanoCpus: number;
  readonly cpuShares: number;
  readonly cpuset: string;
  readonly pidsLimit: number;
}

export interface HostPort {
  /** Empty: every address. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly protocol: string;
}

export interface Network {
  readonly id: string;
  readonly name: string;
  /** IPv4 and IPv6, as the engine says: `172.18.0.0/16`. */
  readonly subnets: readonly string[];
  /** Present on the networks of our environment. */
  readonly owner: { readonly network: string; readonly hash: string } | undefined;
  /** Present on those of another environment: its name. */
  readonly otherEnvironment?: string;
}

export interface Volume {
  readonly name: string;
  readonly owner: { readonly volume: string; readonly hash: string } | undefined;
  /** Present on those of another environment: its name. */
  readonly otherEnvironment?: string;
}

export interface Image {
  readonly id: ImageId;
  /** `repository:tag` as normalised by us. */
  readonly tags: readonly { readonly repository: Repository; readonly tag: string }[];
  readonly digests: readonly { readonly repository: Repository; readonly digest: Digest }[];
}
