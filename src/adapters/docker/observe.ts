import type Dockerode from 'dockerode';
import { LABELS } from '../../core/names.ts';
import type { ObserveScope } from '../../core/ports/engine.ts';
import type { Actual, Container, EngineFacts, HostPort } from '../../core/state/actual.ts';
import { detailOf, stateOf } from './container-detail.ts';
import { toEngineError } from './engine-error.ts';
import { parseEdge, parseOwner } from './labels.ts';
import { imageOf, networkOf, volumeOf } from './resources.ts';

/** After this many looks every remembered answer is asked for again: events only speed things up, they may be lost. */
const FULL_EVERY = 20;

type Listed = Dockerode.ContainerInfo;

/**
 * Looks at the engine with as few calls as it can: containers and networks are listed each time; a container is
 * inspected again only when its line in the list changed, it is young, or an event named it; images and volumes only
 * after something touched them.
 */
export const createObserver = (docker: Dockerode, facts: EngineFacts) => {
  const inspected = new Map<string, { fingerprint: string; detail: Container['detail'] }>();
  let images: Actual['images'] | undefined;
  let volumes: Actual['volumes'] | undefined;
  let looks = 0;

  const inspect = async (listed: Listed, signal: AbortSignal): Promise<Container['detail']> => {
    const fingerprint = fingerprintOf(listed);
    const known = inspected.get(listed.Id);
    if (known && known.fingerprint === fingerprint && !isYoung(listed)) return known.detail;
    try {
      const detail = detailOf(await docker.getContainer(listed.Id).inspect({ abortSignal: signal }));
      inspected.set(listed.Id, { fingerprint, detail });
      return detail;
    } catch (error) {
      // Gone between the list and the look: the next observation says so.
      if ((error as { statusCode?: number }).statusCode === 404) return undefined;
      throw error;
    }
  };

  const look = async (scope: ObserveScope, signal: AbortSignal): Promise<Actual> => {
    if (looks % FULL_EVERY === 0) forget();
    looks += 1;
    const [listed, networks, imageList, volumeList] = await Promise.all([
      docker.listContainers({ all: true, abortSignal: signal }),
      docker.listNetworks({ abortSignal: signal }),
      images ?? docker.listImages({ abortSignal: signal }).then((list) => list.map(imageOf)),
      volumes ??
        docker
          .listVolumes({ abortSignal: signal })
          .then((v) => v.Volumes.map((x) => volumeOf(x, scope.environment))),
    ]);
    // What is no list came from something between us and the engine.
    if (!Array.isArray(listed)) throw new Error('the engine gave no list of containers');
    images = imageList;
    volumes = volumeList;
    const containers = await Promise.all(
      listed.map(async (l) => {
        const container = containerOf(l, scope.environment);
        const isClose =
          container.owner !== undefined ||
          container.edge !== undefined ||
          [container.name, container.id].some((key) => scope.replaces.includes(key));
        return isClose ? { ...container, detail: await inspect(l, signal) } : container;
      }),
    );
    const alive = new Set(listed.map((l) => l.Id));
    for (const id of inspected.keys()) if (!alive.has(id)) inspected.delete(id);
    return {
      engine: facts,
      containers: containers.filter((c) => c.detail !== undefined || (!c.owner && !c.edge)),
      networks: networks.map((n) => networkOf(n, scope.environment)),
      volumes: volumeList,
      images: imageList,
      // Asked for elsewhere: this is what the engine knows.
      edges: [],
      listeners: undefined,
    };
  };

  const forget = (containerId?: string): void => {
    if (containerId !== undefined) {
      inspected.delete(containerId);
      return;
    }
    inspected.clear();
    images = undefined;
    volumes = undefined;
  };

  return {
    observe: async (scope: ObserveScope, signal: AbortSignal): Promise<Actual> => {
      try {
        return await look(scope, signal);
      } catch (error) {
        forget();
        throw toEngineError(error, 'cannot read the state of the engine');
      }
    },
    /** A container's line may still look the same although it is not. */
    forgetContainer: (id: string): void => {
      forget(id);
    },
    forgetImages: (): void => {
      images = undefined;
    },
    forgetVolumes: (): void => {
      volumes = undefined;
    },
    forgetAll: (): void => {
      forget();
    },
  };
};

export type Observer = ReturnType<typeof createObserver>;

/**
 * What changes in a line only when the container does: of "Up 3 hours (healthy)" and "Exited (1) 2 days ago" the words in
 * brackets, and the endpoints, which are new after each start. A restart whose event was lost is seen by them.
 */
const fingerprintOf = (l: Listed): string =>
  [
    l.State,
    l.Names.join(),
    ...(l.Status.match(/\([^)]*\)/g) ?? []),
    l.ImageID,
    ...Object.values(l.NetworkSettings?.Networks ?? {}).map((n) => n.EndpointID),
  ].join('|');

/** Restarted a moment ago, maybe without an event: its line would look the same. */
const isYoung = (l: Listed): boolean => /second|Less than|Restarting/.test(l.Status) || l.State === 'created';

const containerOf = (l: Listed, environment: string): Container => {
  const other = l.Labels[LABELS.environment];
  const edge = parseEdge(l.Labels, environment);
  const owner = edge ? undefined : parseOwner(l.Labels, environment);
  return {
    id: l.Id,
    name: (l.Names.find((n) => n.lastIndexOf('/') === 0) ?? l.Names[0] ?? '').replace(/^\//, ''),
    imageId: l.ImageID as Container['imageId'],
    state: stateOf(l.State),
    owner,
    otherEnvironment: owner === undefined && edge === undefined ? other : undefined,
    edge,
    ports: portsOf(l.Ports),
    detail: undefined,
  };
};

const portsOf = (ports: readonly Dockerode.Port[]): readonly HostPort[] =>
  ports.flatMap((p) =>
    p.PublicPort ? [{ hostAddress: p.IP, hostPort: p.PublicPort, protocol: p.Type }] : [],
  );
