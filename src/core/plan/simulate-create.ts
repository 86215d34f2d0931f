import { joinedNamespaces } from '../compose/namespaces.ts';
import type { Attachment, ContainerSpec } from '../compose/project-model.ts';
import type { Container, ContainerDetail, CreateFacts, Endpoint, Limits } from '../state/actual.ts';
import type { EpochMs } from '../time.ts';
import type { CreateContainer } from './action.ts';
import { publishedPorts } from './host-ports.ts';
import { idOf } from './simulated-id.ts';

export const endpointOf = (
  network: string,
  { aliases, ipv4, ipv6, linkLocalIps = [], macAddress }: Attachment,
  alias: string | undefined,
  ip: string,
): Endpoint => {
  const fixedIps = [ipv4, ipv6, ...linkLocalIps].filter((a) => a !== undefined);
  return {
    network,
    ip,
    aliases: alias === undefined ? [] : [alias, ...aliases],
    ...(fixedIps.length > 0 && { fixedIps }),
    ...(macAddress !== undefined && { mac: macAddress }),
  };
};

const endpointsOf = (action: CreateContainer): readonly Endpoint[] => {
  const mode = action.release.spec.container.networkMode;
  const attachments = mode.kind === 'networks' ? mode.attachments : [];
  const alias = action.named ? action.release.service : undefined;
  const own = Object.entries(action.networks).map(([logical, network]): Endpoint => {
    const attachment = attachments.find((a) => a.network === logical);
    return endpointOf(network, attachment ?? { network: logical, aliases: [] }, alias, '');
  });
  const edge = action.edge && {
    network: action.edge.network,
    ip: '',
    aliases: [],
    fixedIps: [action.edge.ip],
  };
  return edge ? [edge, ...own] : own;
};

const limitsOf = (spec: ContainerSpec): Limits => ({
  memoryBytes: spec.memoryBytes ?? 0,
  memorySwapBytes: spec.memorySwapBytes ?? 0,
  memoryReservationBytes: spec.memoryReservationBytes ?? 0,
  nanoCpus: spec.nanoCpus ?? 0,
  cpuShares: spec.cpuShares ?? 0,
  cpuset: spec.cpuset ?? '',
  pidsLimit: spec.pidsLimit ?? 0,
});

/** Named, anonymous and carried-over volumes; only the engine knows those of an image's VOLUME lines. */
const volumesOf = (action: CreateContainer, id: string): ContainerDetail['volumes'] => {
  const { mounts } = action.release.spec.container;
  const declared = mounts.flatMap((m) => {
    if (m.kind === 'volume') return [{ target: m.target, name: action.volumes[m.name] ?? m.name }];
    if (m.kind !== 'anonymous') return [];
    return [{ target: m.target, name: action.carried[m.target] ?? idOf('volume', id, m.target) }];
  });
  const known = new Set(declared.map((v) => v.target));
  const carried = Object.entries(action.carried).map(([target, name]) => ({ target, name }));
  return [...declared, ...carried.filter((v) => !known.has(v.target))];
};

/** Create facts for an image without a command or variables of its own. */
const factsOf = ({ release: { spec }, networks, edge }: CreateContainer): CreateFacts => {
  const { entrypoint = [], command = [], environment, mounts, networkMode } = spec.container;
  const [first = 'none'] = [...(edge ? [edge.network] : []), ...Object.values(networks)];
  return {
    process: { entrypoint, command, environment },
    networkMode: networkMode.kind === 'mode' ? networkMode.mode : first,
    mounts: mounts.map((m) => ({ kind: m.kind === 'anonymous' ? 'volume' : m.kind, target: m.target })),
    image: { entrypoint: [], command: [], environment: {} },
  };
};

/** The engine looks up a donor at creation, and keeps its id. */
const joinedBy = (spec: ContainerSpec, containers: readonly Container[]): Pick<ContainerDetail, 'joined'> => {
  const donors = joinedNamespaces(spec).map(({ namespace, donor }) => [
    namespace,
    containers.find((container) => container.name === donor)?.id ?? donor,
  ]);
  return donors.length === 0 ? {} : { joined: Object.fromEntries(donors) as Record<string, string> };
};

export const created = (
  action: CreateContainer,
  nowMs: EpochMs,
  containers: readonly Container[],
): Container => {
  const { release } = action;
  const spec = release.spec.container;
  const id = idOf('container', action.name, String(nowMs), String(containers.length));
  return {
    id,
    name: action.name,
    imageId: action.imageId,
    state: 'created',
    otherEnvironment: undefined,
    owner: {
      service: release.service,
      replica: action.replica,
      release: release.id,
      serial: action.serial,
      version: release.version,
      restart: spec.restart,
    },
    ports: publishedPorts(release),
    detail: {
      createdAtMs: nowMs,
      startedAtMs: undefined,
      finishedAtMs: undefined,
      exitCode: 0,
      oomKilled: false,
      restartCount: 0,
      health: spec.healthcheck && spec.healthcheck.test?.length !== 0 ? 'starting' : 'none',
      ...(spec.healthcheck && { healthcheck: spec.healthcheck }),
      healthOutput: undefined,
      startFault: undefined,
      autoRemove: false,
      restart: action.armed ? spec.restart : { name: 'no', maxRetries: 0 },
      networks: endpointsOf(action),
      volumes: volumesOf(action, id),
      ...joinedBy(spec, containers),
      limits: limitsOf(spec),
      stopGraceMs: spec.stopGraceMs,
      facts: factsOf(action),
    },
  };
};
