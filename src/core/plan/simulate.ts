import { createHash } from 'node:crypto';
import { subnetsOverlap } from '../compose/ip.ts';
import type { Attachment, ContainerSpec, NetworkDefinition } from '../compose/project-model.ts';
import { joinedNamespaces } from '../compose/namespaces.ts';
import type { ImageId } from '../image/reference.ts';
import { parseImage } from '../image/reference.ts';
import type { EdgeRuntimeAction } from '../ports/edge.ts';
import type { EngineAction } from '../ports/engine.ts';
import type {
  Actual,
  Container,
  ContainerDetail,
  CreateFacts,
  Endpoint,
  Image,
  Limits,
} from '../state/actual.ts';
import { subnetsOf } from '../state/kept-networks.ts';
import type { ReleaseImage } from '../state/release.ts';
import type { EpochMs } from '../time.ts';
import type { CreateContainer, JoinNetwork } from './action.ts';
import { publishedPorts } from './port-conflicts.ts';
import { bound, left, simulateEdge, unbound, withEdge } from './edge/simulate-edge.ts';

/**
 * The host after an action that succeeds. `plan` looks ahead with it, and the simulated host of the tests is
 * built on it; a contract suite compares it with the real engine.
 */
export const simulate = (
  actual: Actual,
  action: EngineAction | EdgeRuntimeAction,
  nowMs: EpochMs,
): Actual => {
  switch (action.kind) {
    case 'edge-write':
    case 'edge-add-server':
    case 'edge-set-state':
    case 'edge-cut-sessions':
    case 'edge-remove-server':
    case 'edge-close-port':
    case 'edge-discard':
      return simulateEdge(actual, action);
    case 'create-edge':
      return withEdge(actual, action, nowMs);
    case 'leave-edge':
      return left(freed(actual, action.container.id), action.container.id, nowMs);
    case 'rejoin':
      return withNetworks(actual, action.container.id, (networks) => [
        ...networks.filter((n) => n.network !== action.network),
        joined(actual, action),
      ]);
    case 'pull':
      return { ...actual, images: [...actual.images, pulled(action.image, action.keepAs)] };
    case 'tag-image':
      return { ...actual, images: tagged(actual.images, action) };
    case 'remove-image':
      return removeImage(actual, action.imageId, action.references);
    case 'create-network':
      return {
        ...actual,
        networks: [
          ...actual.networks,
          {
            id: idOf('network', action.name),
            name: action.name,
            subnets: subnetsFor(action.definition, actual.networks),
            owner: { network: action.network, hash: action.hash },
          },
        ],
      };
    case 'remove-network':
      return { ...actual, networks: actual.networks.filter((n) => n.id !== action.id) };
    case 'create-volume':
      return {
        ...actual,
        volumes: [
          ...actual.volumes,
          { name: action.name, owner: { volume: action.volume, hash: action.hash } },
        ],
      };
    case 'create':
      return {
        ...actual,
        containers: [...actual.containers, created(action, nowMs, actual.containers)],
      };
    case 'remove':
      return {
        ...actual,
        containers: actual.containers.filter((container) => container.id !== action.container.id),
      };
    case 'rename':
      return withContainer(actual, action.container.id, (container) => ({ ...container, name: action.to }));
    case 'disarm':
      return withDetail(actual, action.container.id, { restart: { name: 'no', maxRetries: 0 } });
    case 'arm':
      return withDetail(actual, action.container.id, { restart: action.restart });
    case 'limit':
      return withContainer(actual, action.container.id, (container) =>
        container.detail
          ? {
              ...container,
              detail: { ...container.detail, limits: { ...container.detail.limits, ...action.limits } },
            }
          : container,
      );
    case 'connect':
      return withNetworks(actual, action.container.id, (networks) => [...networks, joined(actual, action)]);
    case 'start':
      return bound(
        withContainer(actual, action.container.id, (container) => started(container, nowMs)),
        action.container.id,
      );
    case 'unpause':
      return withContainer(actual, action.container.id, (container) => ({ ...container, state: 'running' }));
    case 'stop':
      return unbound(
        withContainer(freed(actual, action.container.id), action.container.id, (container) =>
          stopped(container, nowMs),
        ),
        action.container.id,
      );
  }
};

/** The declared subnets, or the first free one of a pool. */
const subnetsFor = (definition: NetworkDefinition, networks: Actual['networks']): readonly string[] => {
  const declared = subnetsOf(definition);
  if (declared.length > 0) return declared;
  for (let third = 0; ; third += 1) {
    const subnet = `10.9.${String(third)}.0/24`;
    if (!networks.some((n) => n.subnets.some((s) => subnetsOverlap(s, subnet)))) return [subnet];
  }
};

const idOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('/')).digest('hex');

const withContainer = (actual: Actual, id: string, change: (container: Container) => Container): Actual => ({
  ...actual,
  containers: actual.containers.map((container) => (container.id === id ? change(container) : container)),
});

const withDetail = (actual: Actual, id: string, change: Partial<ContainerDetail>): Actual =>
  withContainer(actual, id, (container) =>
    container.detail ? { ...container, detail: { ...container.detail, ...change } } : container,
  );

/** A tag belongs to one image, so it leaves the other one. */
const tagged = (
  images: readonly Image[],
  { imageId, repository, tag }: Extract<EngineAction, { kind: 'tag-image' }>,
): readonly Image[] => {
  const name = { repository: parseImage(repository).repository, tag };
  return images.map((i) => {
    const others = i.tags.filter((t) => t.repository !== name.repository || t.tag !== tag);
    return { ...i, tags: i.id === imageId ? [...others, name] : others };
  });
};

const pulled = ({ reference, digest, imageId }: ReleaseImage, keepAs: string | undefined): Image => ({
  id: imageId ?? (`sha256:${idOf('image', digest ?? '')}` as ImageId),
  tags: [reference, ...(keepAs === undefined ? [] : [parseImage(keepAs)])].flatMap(({ repository, tag }) =>
    tag === undefined ? [] : [{ repository, tag }],
  ),
  digests: digest === undefined ? [] : [{ repository: reference.repository, digest }],
});

const removeImage = (actual: Actual, id: ImageId, references: readonly string[]): Actual => {
  const gone = new Set(references.map((r) => JSON.stringify(parseImage(r))));
  const tagGone = (t: Image['tags'][number]): boolean =>
    gone.has(JSON.stringify(parseImage(`${t.repository}:${t.tag}`)));
  const digestGone = (d: Image['digests'][number]): boolean =>
    gone.has(JSON.stringify(parseImage(`${d.repository}@${d.digest}`)));
  return {
    ...actual,
    images: actual.images.flatMap((i) => {
      if (i.id !== id) return [i];
      const tags = i.tags.filter((t) => !tagGone(t));
      const digests = i.digests.filter((d) => !digestGone(d));
      // The engine keeps a digest only with a tag of its repository, or if it pulled by digest alone.
      return tags.length === 0 && (i.tags.length > 0 || digests.length === 0)
        ? []
        : [{ ...i, tags, digests }];
    }),
  };
};

/** Removes the listeners on the container's ports. */
const freed = (actual: Actual, id: string): Actual => {
  const container = actual.containers.find((one) => one.id === id);
  const edge = actual.edges.find((e) => e.instance === container?.edge?.instance);
  const ports = [...(container?.ports ?? []), ...(edge?.state?.frontends ?? [])].map((p) => p.hostPort);
  return { ...actual, listeners: actual.listeners?.filter((l) => !ports.includes(l.port)) };
};

const withNetworks = (
  actual: Actual,
  id: string,
  change: (networks: ContainerDetail['networks']) => ContainerDetail['networks'],
): Actual =>
  withContainer(actual, id, (container) =>
    container.detail
      ? { ...container, detail: { ...container.detail, networks: change(container.detail.networks) } }
      : container,
  );

const joined = ({ containers }: Actual, { container, network, attachment, alias }: JoinNetwork): Endpoint => {
  const isRunning = containers.some((c) => c.id === container.id && c.state === 'running');
  return endpointOf(network, attachment, alias, isRunning ? (attachment.ipv4 ?? '10.0.0.2') : '');
};

const endpointOf = (
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

const created = (action: CreateContainer, nowMs: EpochMs, containers: readonly Container[]): Container => {
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

const started = (container: Container, nowMs: EpochMs): Container => ({
  ...container,
  state: 'running',
  ...(container.detail && {
    detail: {
      ...container.detail,
      startedAtMs: nowMs,
      restartCount: 0,
      health: container.detail.health === 'none' ? 'none' : 'starting',
      networks: container.detail.networks.map((n) => ({ ...n, ip: n.fixedIps?.[0] ?? '10.0.0.2' })),
    },
  }),
});

const stopped = (container: Container, nowMs: EpochMs): Container => ({
  ...container,
  state: 'exited',
  ...(container.detail && {
    detail: {
      ...container.detail,
      finishedAtMs: nowMs,
      exitCode: 143,
      networks: container.detail.networks.map((n) => ({ ...n, ip: '' })),
    },
  }),
});
