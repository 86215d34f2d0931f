import type Dockerode from 'dockerode';
import type { ContainerDetail, ContainerState, Endpoint, Health, HostPort } from '../../core/state/actual.ts';
import type { Healthcheck, RestartPolicy } from '../../core/compose/project-model.ts';
import { canonicalIp } from '../../core/compose/ip.ts';
import { donorIn } from '../../core/compose/namespaces.ts';
import { defined } from './defined.ts';
import { classify } from './engine-error.ts';

const STATES: readonly ContainerState[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'exited',
  'removing',
  'dead',
];

/** An unknown state counts as `dead`, so that nothing relies on the container. */
export const stateOf = (text: string): ContainerState => STATES.find((s) => s === text) ?? 'dead';

type Inspected = Dockerode.ContainerInspectInfo;

/** The engine's zero time, 0001-01-01, means never. */
const timeOf = (text: string | undefined): number | undefined => {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
};

const MAX_OUTPUT = 300;

const HEALTHS: readonly Health[] = ['none', 'starting', 'healthy', 'unhealthy'];

const healthOf = (i: Inspected): Health => HEALTHS.find((h) => h === i.State.Health?.Status) ?? 'none';

const healthOutput = (i: Inspected): string | undefined => {
  const log = i.State.Health?.Log as readonly { Output?: string }[] | null | undefined;
  const last = log?.at(-1)?.Output?.trim();
  return last === undefined || last === '' ? undefined : last.slice(0, MAX_OUTPUT);
};

type EngineHealthcheck = NonNullable<Inspected['Config']['Healthcheck']>;

const NS_PER_MS = 1_000_000;
/** The engine uses 0 for its own default. */
const unlessZero = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);
const durationMs = (ns: number | undefined): number | undefined => unlessZero((ns ?? 0) / NS_PER_MS);

/** The test is left out: how it asks changes no decision. */
const healthcheckOf = (check: EngineHealthcheck): Healthcheck =>
  defined({
    intervalMs: durationMs(check.Interval),
    timeoutMs: durationMs(check.Timeout),
    startPeriodMs: durationMs(check.StartPeriod),
    retries: unlessZero(check.Retries),
  });

const RESTARTS: readonly RestartPolicy['name'][] = ['no', 'always', 'unless-stopped', 'on-failure'];

/** The engine uses both `""` and `"no"` for no restart policy. */
const restartOf = (
  policy: { Name?: string; MaximumRetryCount?: number | undefined } | undefined,
): RestartPolicy => ({
  name: RESTARTS.find((r) => r === policy?.Name) ?? 'no',
  maxRetries: policy?.MaximumRetryCount ?? 0,
});

/** Why the container failed to start, if the image or command is at fault and not the host. */
const startFaultOf = (i: Inspected): string | undefined => {
  const words = i.State.Error;
  if (i.State.Running || !words) return undefined;
  const error = classify(words, 'it cannot be started');
  return error.code === 'RELEASE' ? error.message : undefined;
};

const SHORT_ID = 12;

type Listed = NonNullable<Inspected['NetworkSettings']['Networks']>[string];

interface Requested {
  readonly IPv4Address?: string;
  readonly IPv6Address?: string;
  readonly LinkLocalIPs?: readonly string[] | null;
}

/** After a failed connect the engine lists the network with names and addresses, and nothing behind them. */
const isHalfMade = ({ State }: Inspected, { EndpointID }: Listed): boolean =>
  State.Status === 'running' && EndpointID === '';

/** The engine adds the container's short id to the declared aliases. */
const endpointOf = (i: Inspected, network: string, e: Listed): Endpoint => {
  const { IPv4Address, IPv6Address, LinkLocalIPs } = (e.IPAMConfig as Requested | null | undefined) ?? {};
  const fixedIps = [IPv4Address, IPv6Address, ...(LinkLocalIPs ?? [])].flatMap((ip) =>
    ip === undefined || ip === '' ? [] : [canonicalIp(ip) ?? ip],
  );
  const aliases = (e.Aliases as readonly string[] | null | undefined) ?? [];
  return {
    network,
    ip: e.IPAddress || e.GlobalIPv6Address || '',
    ...(e.IPAddress && e.GlobalIPv6Address && { ipv6: e.GlobalIPv6Address }),
    aliases: aliases.filter((a) => a !== i.Id.slice(0, SHORT_ID)),
    ...(fixedIps.length > 0 && { fixedIps }),
    ...(e.MacAddress && { mac: e.MacAddress.toLowerCase() }),
  };
};

const joinedOf = ({
  NetworkMode,
  IpcMode,
  PidMode,
}: Inspected['HostConfig']): Pick<ContainerDetail, 'joined'> => {
  const joined = defined({ network: donorIn(NetworkMode), ipc: donorIn(IpcMode), pid: donorIn(PidMode) });
  return Object.keys(joined).length === 0 ? {} : { joined };
};

/** The engine has merged its own `log-opts` into the container's. */
const isUnlimited = (log: Inspected['HostConfig']['LogConfig'] | undefined): boolean =>
  log?.Type === 'json-file' && ['', '-1'].includes((log.Config as LogOptions | null)?.['max-size'] ?? '');

type LogOptions = Readonly<Record<string, string | undefined>>;

interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

const hostPortsOf = (key: string, bindings: readonly Binding[] | null): readonly HostPort[] =>
  (bindings ?? [])
    .map((b) => ({
      hostAddress: b.HostIp,
      hostPort: Number(b.HostPort),
      protocol: key.split('/')[1] ?? 'tcp',
    }))
    .filter(({ hostPort }) => hostPort > 0);

/** The host ports that it has now, read together with its networks. Undefined if the answer has none. */
export const publishedIn = ({ NetworkSettings }: Inspected): readonly HostPort[] | undefined => {
  const ports = NetworkSettings.Ports as
    Readonly<Record<string, readonly Binding[] | null>> | null | undefined;
  return ports ? Object.entries(ports).flatMap((entry) => hostPortsOf(...entry)) : undefined;
};

export const detailOf = (i: Inspected): ContainerDetail => {
  const host = i.HostConfig;
  const config = i.Config as Inspected['Config'] & { StopTimeout?: number | null };
  return {
    createdAtMs: timeOf(i.Created) ?? 0,
    startedAtMs: timeOf(i.State.StartedAt),
    finishedAtMs: timeOf(i.State.FinishedAt),
    exitCode: i.State.ExitCode,
    oomKilled: i.State.OOMKilled,
    restartCount: i.RestartCount,
    health: healthOf(i),
    ...(healthOf(i) !== 'none' && config.Healthcheck && { healthcheck: healthcheckOf(config.Healthcheck) }),
    healthOutput: healthOutput(i),
    startFault: startFaultOf(i),
    autoRemove: host.AutoRemove ?? false,
    restart: restartOf(host.RestartPolicy),
    networks: Object.entries(i.NetworkSettings.Networks ?? {}).flatMap(([network, e]) =>
      isHalfMade(i, e) ? [] : [endpointOf(i, network, e)],
    ),
    volumes: i.Mounts.flatMap((m) =>
      m.Type === 'volume' && m.Name !== undefined ? [{ name: m.Name, target: m.Destination }] : [],
    ),
    ...joinedOf(host),
    limits: {
      memoryBytes: host.Memory ?? 0,
      memorySwapBytes: host.MemorySwap ?? 0,
      memoryReservationBytes: host.MemoryReservation ?? 0,
      nanoCpus: host.NanoCpus ?? 0,
      cpuShares: host.CpuShares ?? 0,
      cpuset: host.CpusetCpus ?? '',
      pidsLimit: Math.max(0, host.PidsLimit ?? 0),
    },
    ...(isUnlimited(host.LogConfig) && { isLogUnlimited: true as const }),
    stopGraceMs: typeof config.StopTimeout === 'number' ? config.StopTimeout * 1000 : undefined,
  };
};
