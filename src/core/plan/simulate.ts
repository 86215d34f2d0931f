import { createHash } from 'node:crypto';
import type { ContainerSpec } from '../compose/model.ts';
import type { ImageId } from '../image/reference.ts';
import { parseImage } from '../image/reference.ts';
import type { EngineAction } from '../ports/engine.ts';
import type { Actual, Container, ContainerDetail, Image, Limits } from '../state/actual.ts';
import type { ReleaseImage } from '../state/release.ts';
import type { EpochMs } from '../time.ts';
import type { CreateContainer } from './action.ts';
import { publishedPorts } from './conflicts.ts';

/**
 * What an action makes of a host when it succeeds. `plan` looks ahead with it, and the simulated host of the tests is
 * made of it; a contract suite holds it and the real engine equal.
 */
export const simulate = (actual: Actual, action: EngineAction, nowMs: EpochMs): Actual => {
  switch (action.kind) {
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
        containers: [...actual.containers, created(action, nowMs, actual.containers.length)],
      };
    case 'remove':
      return { ...actual, containers: actual.containers.filter((c) => c.id !== action.container.id) };
    case 'rename':
      return withContainer(actual, action.container.id, (c) => ({ ...c, name: action.to }));
    case 'disarm':
      return withDetail(actual, action.container.id, { restart: { name: 'no', maxRetries: 0 } });
    case 'arm':
      return withDetail(actual, action.container.id, { restart: action.restart });
    case 'limit':
      return withContainer(actual, action.container.id, (c) =>
        c.detail ? { ...c, detail: { ...c.detail, limits: { ...c.detail.limits, ...action.limits } } } : c,
      );
    case 'connect':
      return withContainer(actual, action.container.id, (c) =>
        c.detail
          ? {
              ...c,
              detail: { ...c.detail, networks: [...c.detail.networks, { network: action.network, ip: '' }] },
            }
          : c,
      );
    case 'start':
      return withContainer(actual, action.container.id, (c) => started(c, nowMs));
    case 'unpause':
      return withContainer(actual, action.container.id, (c) => ({ ...c, state: 'running' }));
    case 'stop':
      return withContainer(actual, action.container.id, (c) => stopped(c, nowMs));
  }
};

const idOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('/')).digest('hex');

const withContainer = (actual: Actual, id: string, change: (c: Container) => Container): Actual => ({
  ...actual,
  containers: actual.containers.map((c) => (c.id === id ? change(c) : c)),
});

const withDetail = (actual: Actual, id: string, change: Partial<ContainerDetail>): Actual =>
  withContainer(actual, id, (c) => (c.detail ? { ...c, detail: { ...c.detail, ...change } } : c));

/** A tag belongs to one image: it leaves the other one. */
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
      // The engine keeps a digest only beside a tag of the same repository, or when it was pulled by digest alone.
      return tags.length === 0 && (i.tags.length > 0 || digests.length === 0)
        ? []
        : [{ ...i, tags, digests }];
    }),
  };
};

const limitsOf = (spec: ContainerSpec): Limits => ({
  memoryBytes: spec.memoryBytes ?? 0,
  memoryReservationBytes: spec.memoryReservationBytes ?? 0,
  nanoCpus: spec.nanoCpus ?? 0,
  cpuShares: spec.cpuShares ?? 0,
  cpuset: spec.cpuset ?? '',
  pidsLimit: spec.pidsLimit ?? 0,
});

/** Named, anonymous and carried-over ones; those of the image's VOLUME lines are known to the engine alone. */
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

const created = (action: CreateContainer, nowMs: EpochMs, ordinal: number): Container => {
  const { release } = action;
  const spec = release.spec.container;
  const id = idOf('container', action.name, String(nowMs), String(ordinal));
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
      healthOutput: undefined,
      startFault: undefined,
      autoRemove: false,
      restart: action.armed ? spec.restart : { name: 'no', maxRetries: 0 },
      networks: Object.values(action.networks).map((network) => ({ network, ip: '' })),
      volumes: volumesOf(action, id),
      limits: limitsOf(spec),
      stopGraceMs: spec.stopGraceMs,
    },
  };
};

const started = (c: Container, nowMs: EpochMs): Container => ({
  ...c,
  state: 'running',
  ...(c.detail && {
    detail: {
      ...c.detail,
      startedAtMs: nowMs,
      restartCount: 0,
      health: c.detail.health === 'none' ? 'none' : 'starting',
      networks: c.detail.networks.map((n) => ({ ...n, ip: '10.0.0.2' })),
    },
  }),
});

const stopped = (c: Container, nowMs: EpochMs): Container => ({
  ...c,
  state: 'exited',
  ...(c.detail && {
    detail: {
      ...c.detail,
      finishedAtMs: nowMs,
      exitCode: 143,
      networks: c.detail.networks.map((n) => ({ ...n, ip: '' })),
    },
  }),
});
