import type { ContainerCreateOptions, EndpointSettings, HostConfig } from 'dockerode';
import type { Attachment, ContainerSpec, Healthcheck } from '../../core/compose/project-model.ts';
import { AgentError } from '../../core/errors.ts';
import type { CreateContainer } from '../../core/plan/action.ts';
import { pathOf } from '../../core/plan/container-drift.ts';
import { hasMultiNetworkCreate } from './connect.ts';
import { defined } from './defined.ts';
import type { ImageConfig } from './image-config.ts';
import { listOf } from './inspected-config.ts';
import { blankedLabels, ownerLabels } from './labels.ts';
import { mountsOf } from './mount-body.ts';
import { labelsOf } from './response-types.ts';

/**
 * The body of POST /containers/create, from the spec alone: the image and the engine decide what the spec
 * leaves out. Copying from a running container would keep the defaults of its old image.
 */
export const createBody = (
  asked: CreateContainer,
  environment: string,
  apiVersion: string,
  image: ImageConfig = {},
): ContainerCreateOptions => {
  const spec = asked.release.spec.container;
  const action = { ...asked, carried: declaredVolumes(asked, image) };
  return defined({
    name: action.name,
    platform: spec.platform,
    Image: action.imageId,
    Cmd: spec.command && [...spec.command],
    Entrypoint: entrypointOf(spec, image),
    Env: nonEmpty(Object.entries(spec.environment).map(([key, value]) => `${key}=${value}`)),
    User: spec.user,
    WorkingDir: spec.workingDir,
    Hostname: spec.hostname,
    Domainname: spec.domainname,
    Tty: spec.tty,
    OpenStdin: spec.stdinOpen,
    StopSignal: spec.stopSignal,
    StopTimeout: Math.ceil(spec.stopGraceMs / 1000),
    Healthcheck: spec.healthcheck && healthcheckOf(spec.healthcheck),
    Labels: { ...blankedLabels(labelsOf(image.Labels)), ...spec.labels, ...ownerLabels(action, environment) },
    ExposedPorts: exposedPorts(spec),
    Volumes: anonymousVolumes(spec, action.carried),
    HostConfig: hostConfig(action),
    MacAddress: containerMac(action, apiVersion),
    NetworkingConfig: networkingConfig(action, apiVersion),
  }) as ContainerCreateOptions;
};

/**
 * An empty command leaves the entrypoint alone. Engines run the image's command instead, unless the call
 * names an entrypoint; an empty word stands for none.
 */
const entrypointOf = (spec: ContainerSpec, image: ImageConfig): string[] | undefined => {
  if (spec.command?.length !== 0) return spec.entrypoint && [...spec.entrypoint];
  const entrypoint = spec.entrypoint ?? listOf(image.Entrypoint);
  return entrypoint.length > 0 ? [...entrypoint] : [''];
};

/**
 * The carried volumes that the file or this image declares. Any other one would hide what this image has at
 * its target.
 */
const declaredVolumes = (
  { carried, release }: CreateContainer,
  { Volumes }: ImageConfig,
): CreateContainer['carried'] => {
  const declared = new Set(
    [...release.spec.container.mounts.map((m) => m.target), ...Object.keys(Volumes ?? {})].map(pathOf),
  );
  return Object.fromEntries(Object.entries(carried).filter(([target]) => declared.has(pathOf(target))));
};

const nonEmpty = <T>(list: readonly T[]): T[] | undefined => (list.length === 0 ? undefined : [...list]);
const nonEmptyMap = <T>(map: Readonly<Record<string, T>>): Record<string, T> | undefined =>
  Object.keys(map).length === 0 ? undefined : { ...map };

const NS_PER_MS = 1_000_000;
const nanoseconds = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : ms * NS_PER_MS;

const healthcheckOf = (check: Healthcheck): object =>
  check.test?.length === 0
    ? { Test: ['NONE'] }
    : defined({
        Test: check.test && [...check.test],
        Interval: nanoseconds(check.intervalMs),
        Timeout: nanoseconds(check.timeoutMs),
        StartPeriod: nanoseconds(check.startPeriodMs),
        StartInterval: nanoseconds(check.startIntervalMs),
        Retries: check.retries,
      });

const exposedPorts = (spec: ContainerSpec): Record<string, object> | undefined =>
  nonEmptyMap(
    Object.fromEntries(
      [...spec.ports.map((p) => `${String(p.containerPort)}/${p.protocol}`), ...spec.expose].map((p) => [
        p,
        {},
      ]),
    ),
  );

/** New anonymous volumes; carried volumes are binds by name. */
const anonymousVolumes = (
  spec: ContainerSpec,
  carried: CreateContainer['carried'],
): Record<string, object> | undefined =>
  nonEmptyMap(
    Object.fromEntries(
      spec.mounts.flatMap((m) =>
        m.kind === 'anonymous' && carried[m.target] === undefined ? [[m.target, {}] as const] : [],
      ),
    ),
  );

const portBindings = (
  spec: ContainerSpec,
): Record<string, { HostIp: string; HostPort: string }[]> | undefined => {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const p of spec.ports) {
    const key = `${String(p.containerPort)}/${p.protocol}`;
    (bindings[key] ??= []).push({
      HostIp: p.hostAddress,
      HostPort: p.hostPort === undefined ? '' : String(p.hostPort),
    });
  }
  return nonEmptyMap(bindings);
};

const hostConfig = (action: CreateContainer): HostConfig => {
  const spec = action.release.spec.container;
  const { binds, mounts } = mountsOf(action);
  return defined({
    NetworkMode: networkMode(action),
    RestartPolicy: action.armed
      ? {
          Name: spec.restart.name,
          ...(spec.restart.name === 'on-failure' && { MaximumRetryCount: spec.restart.maxRetries }),
        }
      : { Name: 'no' },
    // The edge publishes the ports of a container behind it.
    PortBindings: action.release.spec.exposure === 'edge' ? undefined : portBindings(spec),
    Binds: nonEmpty(binds),
    Mounts: nonEmpty(mounts),
    Tmpfs: nonEmptyMap(spec.tmpfs),
    LogConfig: spec.logging && { Type: spec.logging.driver ?? '', Config: { ...spec.logging.options } },
    ExtraHosts: nonEmpty(spec.extraHosts),
    Dns: nonEmpty(spec.dns),
    DnsSearch: nonEmpty(spec.dnsSearch),
    DnsOptions: nonEmpty(spec.dnsOptions),
    ReadonlyRootfs: spec.readOnly,
    Privileged: spec.privileged,
    CapAdd: nonEmpty(spec.capAdd),
    CapDrop: nonEmpty(spec.capDrop),
    SecurityOpt: nonEmpty(spec.securityOpt),
    Devices: nonEmpty(
      spec.devices.map((d) => ({
        PathOnHost: d.source,
        PathInContainer: d.target,
        CgroupPermissions: d.permissions,
      })),
    ),
    Ulimits: nonEmpty(spec.ulimits.map((u) => ({ Name: u.name, Soft: u.soft, Hard: u.hard }))),
    Sysctls: nonEmptyMap(spec.sysctls),
    ShmSize: spec.shmSizeBytes,
    PidMode: spec.pid,
    IpcMode: spec.ipc,
    GroupAdd: nonEmpty(spec.groupAdd),
    Init: spec.init,
    Memory: spec.memoryBytes,
    MemoryReservation: spec.memoryReservationBytes,
    NanoCpus: spec.nanoCpus,
    CpuShares: spec.cpuShares,
    CpusetCpus: spec.cpuset,
    PidsLimit: spec.pidsLimit,
    MemorySwap: spec.memorySwapBytes,
    OomKillDisable: spec.oomKillDisable,
    OomScoreAdj: spec.oomScoreAdj,
    CgroupnsMode: spec.cgroup,
    UsernsMode: spec.usernsMode,
    Runtime: spec.runtime,
    DeviceRequests: spec.deviceRequests?.map((d) =>
      defined({
        Driver: d.driver,
        Count: d.count,
        DeviceIDs: d.deviceIds && [...d.deviceIds],
        Capabilities: [[...d.capabilities]],
        Options: { ...d.options },
      }),
    ),
  }) as HostConfig;
};

const networkMode = (action: CreateContainer): string => {
  const mode = action.release.spec.container.networkMode;
  if (action.edge) return action.edge.network;
  if (mode.kind === 'mode') return mode.mode;
  const first = mode.attachments[0];
  return first ? (action.networks[first.network] ?? first.network) : 'none';
};

/** Without a service alias the container gets no alias at all, so that no client finds it yet. */
export const endpointOf = (attachment: Attachment, serviceAlias: string | undefined): EndpointSettings =>
  defined({
    Aliases: serviceAlias === undefined ? undefined : [...new Set([serviceAlias, ...attachment.aliases])],
    MacAddress: attachment.macAddress,
    IPAMConfig:
      attachment.ipv4 === undefined && attachment.ipv6 === undefined && attachment.linkLocalIps === undefined
        ? undefined
        : defined({
            IPv4Address: attachment.ipv4,
            IPv6Address: attachment.ipv6,
            LinkLocalIPs: attachment.linkLocalIps && [...attachment.linkLocalIps],
          }),
  });

/** Below API 1.44 a create call takes one network; the planner connects the others before the start. */
const networkingConfig = (
  action: CreateContainer,
  apiVersion: string,
): { EndpointsConfig: Record<string, EndpointSettings> } | undefined => {
  const endpoints = endpointsOf(action, apiVersion);
  return Object.keys(endpoints).length === 0 ? undefined : { EndpointsConfig: endpoints };
};

/** The endpoints that fit into the create call, by network. */
export const endpointsOf = (
  action: CreateContainer,
  apiVersion: string,
): Record<string, EndpointSettings> => {
  const mode = action.release.spec.container.networkMode;
  const own = mode.kind === 'networks' ? mode.attachments : [];
  const alias = action.named ? action.release.service : undefined;
  const ownEndpoints = own.map((a): [string, EndpointSettings] => [
    action.networks[a.network] ?? a.network,
    endpointOf(a, alias),
  ]);
  const edge: [string, EndpointSettings][] = action.edge
    ? [[action.edge.network, { IPAMConfig: { IPv4Address: action.edge.ip } }]]
    : [];
  const endpoints = [...edge, ...ownEndpoints];
  return Object.fromEntries(hasMultiNetworkCreate(apiVersion) ? endpoints : endpoints.slice(0, 1));
};

/**
 * Below API 1.44 engines silently drop an endpoint's MAC address; the container's own goes to its first
 * network.
 * @throws AgentError NETWORK if another network needs one, because it would be lost
 */
const containerMac = ({ release }: CreateContainer, apiVersion: string): string | undefined => {
  const mode = release.spec.container.networkMode;
  if (mode.kind === 'mode' || hasMultiNetworkCreate(apiVersion)) return undefined;
  const [first, ...others] = mode.attachments;
  const lost = others.find((a) => a.macAddress !== undefined);
  if (!lost) return first?.macAddress;
  throw new AgentError(
    'NETWORK',
    `this engine (API ${apiVersion}) can't give ${release.service} a mac_address on network ${lost.network}`,
    {
      advice:
        `give ${lost.network} the highest priority among the networks of ${release.service}, ` +
        'or use Docker 25 or newer',
    },
  );
};
