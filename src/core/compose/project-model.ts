/**
 * The content of the host's compose files after parsing, interpolation and defaults: plain JSON in one normal
 * form. Files with the same meaning give equal values, which hash equally (`release-spec.ts`). Names contain
 * the units: Ms, Bytes, NanoCpus. Lists are sorted if their order means nothing to the engine.
 */
export interface ComposeProject {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, NetworkDefinition>>;
  readonly volumes: Readonly<Record<string, VolumeDefinition>>;
  /** `x-supercargo: {allow-empty: true}` at the top level: the files may remove every service. */
  readonly allowEmpty: boolean;
  /** Hints for `validate` and `doctor`; none is an error. */
  readonly hints: readonly Hint[];
  /** What the files need of the engine. */
  readonly needs: readonly PlacedNeed[];
}

/** A setting that older engines drop silently. */
export interface EngineNeed {
  readonly setting: string;
  /** The keys of the service that lead to it. */
  readonly keys: readonly string[];
  /** The first API version that has it, and the engine's version for people. */
  readonly api: string;
  readonly docker: string;
  readonly advice: string;
}

export interface PlacedNeed extends EngineNeed {
  readonly file: string;
  readonly line: number;
  readonly path: string;
}

export interface Hint {
  readonly file: string;
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

export interface Service {
  readonly name: string;
  /** After interpolation. With a tag or digest, the host pins the version. */
  readonly image: string;
  /** The settings of the container. A change of them replaces the container. */
  readonly container: ContainerSpec;
  readonly containerName: string | undefined;
  readonly replicas: number;
  readonly update: UpdatePolicy;
  readonly dependsOn: readonly Dependency[];
  readonly pullPolicy: PullPolicy;
  readonly healthyWithinMs: number;
  readonly drainMs: number;
  /**
   * `x-supercargo.ready`. Without it, the health check decides, or the monitor time and the published port.
   */
  readonly ready: ReadyCheck | undefined;
  /** `x-supercargo.version-from`: this service runs the version of the named one. */
  readonly versionFrom: string | undefined;
  /** `x-supercargo.once`: the job runs on one host of the fleet for each image and attempt. */
  readonly once?: 'fleet';
  /** The variables in the service's settings and their values. They are not part of the spec hash. */
  readonly variables?: Readonly<Record<string, string>>;
  /** `x-supercargo.replaces`: the name of a foreign container that this service replaces. */
  readonly replaces: string | undefined;
}

export type PullPolicy = 'missing' | 'always' | 'never';

export interface UpdatePolicy {
  readonly order: 'stop-first' | 'start-first';
  /** How many replicas to replace at the same time; 0 means all. */
  readonly parallelism: number;
  readonly delayMs: number;
  readonly monitorMs: number;
  readonly failureAction: 'rollback' | 'pause';
}

export interface Dependency {
  readonly service: string;
  readonly condition: 'started' | 'healthy' | 'completed';
}

export interface HttpReadyCheck {
  readonly kind: 'http';
  readonly path: string;
  readonly port: number;
  /** Names in lower case, `host` included. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type ReadyCheck = HttpReadyCheck | { readonly kind: 'tcp'; readonly port: number };

/** Absent members keep the value of the engine or the image. */
export interface ContainerSpec {
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  /** `environment` over `env_file`. A `KEY` without a value is absent if no interpolation file defines it. */
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
  /** In the order of the file: the first TCP port shows whether the container is ready. */
  readonly ports: readonly Port[];
  /** Ports that `expose` declares, such as `8888/tcp`. */
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
  readonly cgroup?: 'host' | 'private';
  /** The name of an OCI runtime that the engine knows. */
  readonly runtime?: string;
  readonly deviceRequests?: readonly DeviceRequest[];
  /** Memory and swap together; -1 means unlimited swap. */
  readonly memorySwapBytes?: number;
  readonly oomKillDisable?: boolean;
  readonly oomScoreAdj?: number;
  /** Leaves out the engine's mapping of user ids. */
  readonly usernsMode?: 'host';
  /** Put into the container before each start by the agent. */
  readonly files?: readonly InlineFile[];
}

export interface RestartPolicy {
  readonly name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Only for on-failure; 0 means no limit. */
  readonly maxRetries: number;
}

/** `test: []` disables the image's check (NONE). Absent members keep the image's value. */
export interface Healthcheck {
  readonly test?: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

export interface Port {
  /** Empty for every address of the host. */
  readonly hostAddress: string;
  /** Undefined if the engine chooses the port. */
  readonly hostPort: number | undefined;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly appProtocol?: string;
}

export type Mount =
  /** `name` is the key in `volumes:`. */
  | {
      readonly kind: 'volume';
      readonly name: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly noCopy?: boolean;
      readonly selinux?: 'z' | 'Z';
      readonly subpath?: string;
    }
  /** An anonymous volume. A new container takes it over from the old one. */
  | { readonly kind: 'anonymous'; readonly target: string; readonly readOnly: boolean }
  /** `source` is absolute. With `createSource` (short syntax) the engine creates a missing folder. */
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly createSource: boolean;
      readonly propagation?: string;
      readonly selinux?: 'z' | 'Z';
      /**
       * The SHA-256 of a secret or config file that the agent can read: a changed secret changes the spec.
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
  /** The key in `networks:`; `default` is the implicit network. */
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

/** A secret or config whose text is in the compose files or their variables. */
export interface InlineFile {
  readonly target: string;
  readonly content: string;
}

/** GPUs and other devices of a driver. The engine's names of the members, in lower case. */
export interface DeviceRequest {
  readonly driver?: string;
  /** -1 means all. Absent if `deviceIds` names them. */
  readonly count?: number;
  readonly deviceIds?: readonly string[];
  readonly capabilities: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
}

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface NetworkDefinition {
  /** The engine's name, if `external` or `name:` fixes it. */
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

/** A network without settings of its own. */
export const DEFAULT_NETWORK: NetworkDefinition = {
  fixedName: undefined,
  external: false,
  driverOptions: {},
  internal: false,
  attachable: false,
  enableIpv6: false,
  labels: {},
};

export interface VolumeDefinition {
  readonly fixedName: string | undefined;
  readonly external: boolean;
  readonly driver?: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}
