/**
 * What the host's compose files say, after parsing, interpolation and defaults: plain JSON in one normal
 * form. Two files that mean the same give equal values here, so that equal values hash equal (see
 * `release.ts`). Units are in the names: Ms, Bytes, NanoCpus. Lists whose order means nothing to the engine
 * are sorted.
 */
export interface ComposeProject {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, NetworkDefinition>>;
  readonly volumes: Readonly<Record<string, VolumeDefinition>>;
  /** `x-supercargo: {allow-empty: true}` at the top: removing every service is meant. */
  readonly allowEmpty: boolean;
  /** Advice that is not an error, for `validate` and `doctor`. */
  readonly hints: readonly Hint[];
}

export interface Hint {
  readonly file: string;
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

export interface Service {
  readonly name: string;
  /** As written, interpolated: with a tag or digest the host pins the version. */
  readonly image: string;
  /** What determines the container; everything else here can change without touching it. */
  readonly container: ContainerSpec;
  readonly containerName: string | undefined;
  readonly replicas: number;
  readonly update: UpdatePolicy;
  readonly dependsOn: readonly Dependency[];
  readonly pullPolicy: PullPolicy;
  readonly healthyWithinMs: number;
  readonly drainMs: number;
  /** `x-supercargo.ready`; absent: health check, or the monitor time and the published port. */
  readonly ready: ReadyCheck | undefined;
  /** `x-supercargo.version-from`: this service runs the version of that one. */
  readonly versionFrom: string | undefined;
  /** What the variables hold that were put into its settings; absent: none were. It determines nothing. */
  readonly variables?: Readonly<Record<string, string>>;
  /** `x-supercargo.replaces`: the name of a foreign container that this service takes over. */
  readonly replaces: string | undefined;
}

export type PullPolicy = 'missing' | 'always' | 'never';

export interface UpdatePolicy {
  readonly order: 'stop-first' | 'start-first';
  /** Replicas replaced at the same time; 0 means all. */
  readonly parallelism: number;
  readonly delayMs: number;
  readonly monitorMs: number;
  readonly failureAction: 'rollback' | 'pause';
}

export interface Dependency {
  readonly service: string;
  readonly condition: 'started' | 'healthy' | 'completed';
}

export type ReadyCheck =
  | { readonly kind: 'http'; readonly path: string; readonly port: number }
  | { readonly kind: 'tcp'; readonly port: number };

/**
 * Absent members are left to the engine and the image. Key order is fixed by the parser; it does not matter
 * for the hash.
 */
export interface ContainerSpec {
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  /** `environment` over `env_file`. `KEY` without a value that no interpolation file defines is left out. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly tty?: boolean;
  readonly stdinOpen?: boolean;
  readonly init?: boolean;
  readonly stopSignal?: string;
  readonly stopGraceMs: number;
  readonly restart: RestartPolicy;
  readonly healthcheck?: Healthcheck;
  readonly ports: readonly Port[];
  /** Container ports that are only declared (`expose`), e.g. `8888/tcp`. */
  readonly expose: readonly string[];
  readonly mounts: readonly Mount[];
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly networkMode: NetworkMode;
  readonly logging?: { readonly driver?: string; readonly options: Readonly<Record<string, string>> };
  readonly extraHosts: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly readOnly?: boolean;
  readonly privileged?: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly securityOpt: readonly string[];
  readonly devices: readonly Device[];
  readonly ulimits: readonly Ulimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly shmSizeBytes?: number;
  readonly pid?: string;
  readonly ipc?: string;
  readonly groupAdd: readonly string[];
  readonly memoryBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuset?: string;
  readonly pidsLimit?: number;
  readonly platform?: string;
}

export interface RestartPolicy {
  readonly name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Only with on-failure; 0 means without end. */
  readonly maxRetries: number;
}

/** `test: []` means: the image's check is disabled (NONE). Absent members keep the image's value. */
export interface Healthcheck {
  readonly test?: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

export interface Port {
  /** Empty: every address of the host. */
  readonly hostAddress: string;
  /** Undefined: the engine picks one. */
  readonly hostPort: number | undefined;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly appProtocol?: string;
}

export type Mount =
  /** `name` is the logical name in `volumes:`. */
  | {
      readonly kind: 'volume';
      readonly name: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly noCopy?: boolean;
      readonly subpath?: string;
    }
  /** An anonymous volume: carried over from container to container. */
  | { readonly kind: 'anonymous'; readonly target: string; readonly readOnly: boolean }
  /** `source` is absolute. With `createSource` the engine makes a missing folder (the short syntax). */
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly createSource: boolean;
      readonly propagation?: string;
      readonly selinux?: 'z' | 'Z';
      /**
       * SHA-256 of the content where the mount is a secret or config file we can read: a changed secret is a
       * new spec.
       */
      readonly contentHash?: string;
    }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly sizeBytes?: number; readonly mode?: number };

export type NetworkMode =
  | { readonly kind: 'networks'; readonly attachments: readonly Attachment[] }
  /** `host`, `none`, `bridge` or `container:NAME`. */
  | { readonly kind: 'mode'; readonly mode: string };

/** The first attachment is the container's primary network (highest priority, then by name). */
export interface Attachment {
  /** Logical name in `networks:`; `default` is the implicit one. */
  readonly network: string;
  readonly aliases: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkLocalIps?: readonly string[];
  readonly macAddress?: string;
  readonly priority?: number;
}

export interface Device {
  readonly source: string;
  readonly target: string;
  readonly permissions: string;
}

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface NetworkDefinition {
  /** The name on the engine, where it is fixed (`external`, or `name:`). */
  readonly fixedName: string | undefined;
  readonly external: boolean;
  readonly driver?: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIpv6: boolean;
  readonly ipam?: {
    readonly driver?: string;
    readonly config: readonly {
      readonly subnet?: string;
      readonly ipRange?: string;
      readonly gateway?: string;
      readonly auxAddresses?: Readonly<Record<string, string>>;
    }[];
  };
  readonly labels: Readonly<Record<string, string>>;
}

export interface VolumeDefinition {
  readonly fixedName: string | undefined;
  readonly external: boolean;
  readonly driver?: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}
