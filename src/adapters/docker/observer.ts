import type Dockerode from 'dockerode';
import { LABELS } from '../../core/docker-names.ts';
import type { ObserveScope } from '../../core/ports/engine.ts';
import type { Actual, Container, EngineFacts, HostPort } from '../../core/state/actual.ts';
import { detailOf, publishedIn, stateOf } from './container-detail.ts';
import { createFactsOf } from './inspected-config.ts';
import { asText, labelsOf } from './response-types.ts';
import type { Ask } from './engine-call.ts';
import { statusOf, toEngineError } from './engine-error.ts';
import { imageConfig } from './image-config.ts';
import { createCache } from './cache.ts';
import { isPreflight, parseEdge, parseOther, parseOwner } from './labels.ts';
import { imageOf, networkOf, volumeOf } from './parse-resources.ts';

/** Cached answers expire after this time, because a stream of events may die silently. */
const FULL_EVERY_MS = 300_000;
/** How often a young container is inspected although its line is the same: an event may be lost. */
const YOUNG_EVERY_MS = 1_000;

type Listed = Dockerode.ContainerInfo;
type Inspected = Dockerode.ContainerInspectInfo;
type NetworkList = readonly Dockerode.NetworkInspectInfo[];
type ImageList = readonly Dockerode.ImageInfo[];
interface VolumeList {
  readonly Volumes: readonly Dockerode.VolumeInspectInfo[] | null;
}

/** A body that is no list came from a proxy in between. */
const listOf = <T>(what: string, answer: readonly T[]): readonly T[] => {
  if (Array.isArray(answer)) return answer;
  throw new Error(`the engine gave no list of ${what}`);
};

/**
 * Observes the engine with as few calls as possible. It lists containers each time, and inspects one again
 * only if its line changed (uptime aside), an event named it, or it is young. While events are followed it
 * lists networks, images and volumes only after a change. An equal list, byte for byte, returns the very same
 * containers. A container under an action stays as it was before: the planner decides nothing about it
 * meanwhile, and an engine answers about it only afterwards. With twenty services each observation would wait
 * for the slowest start.
 */
export const createObserver = (ask: Ask, facts: EngineFacts) => {
  const networks = createCache<Actual['networks']>();
  const images = createCache<Actual['images']>();
  const volumes = createCache<Actual['volumes']>();
  let isFollowed = false;
  const containers = createContainers(ask, () => isFollowed);
  const forgetLists = (): void => {
    for (const kept of [networks, images, volumes]) kept.forget();
  };
  const forgetAll = (): void => {
    forgetLists();
    containers.forget();
  };
  let fullAtMs = performance.now();

  const observeOnce = async (scope: ObserveScope, signal: AbortSignal): Promise<Actual> => {
    const nowMs = performance.now();
    if (!isFollowed) forgetLists();
    if (nowMs - fullAtMs >= FULL_EVERY_MS) {
      forgetAll();
      fullAtMs = nowMs;
    }
    const { environment } = scope;
    const list = async (path: string): Promise<unknown> => parse(await ask.text(path, signal));
    const [containersSeen, networksSeen, imagesSeen, volumesSeen] = await Promise.all([
      containers.observe(scope, signal),
      networks.get(async () =>
        listOf('networks', (await list('/networks')) as NetworkList).map((n) => networkOf(n, environment)),
      ),
      images.get(async () => listOf('images', (await list('/images/json')) as ImageList).map(imageOf)),
      volumes.get(async () =>
        listOf('volumes', ((await list('/volumes')) as VolumeList).Volumes ?? []).map((v) =>
          volumeOf(v, environment),
        ),
      ),
    ]);
    return {
      engine: facts,
      containers: containersSeen,
      networks: networksSeen,
      volumes: volumesSeen,
      images: imagesSeen,
      // Other adapters observe these.
      edges: [],
      listeners: undefined,
    };
  };

  return {
    observe: async (scope: ObserveScope, signal: AbortSignal): Promise<Actual> => {
      try {
        return await observeOnce(scope, signal);
      } catch (error) {
        forgetAll();
        throw toEngineError(error, 'cannot read the state of the engine');
      }
    },
    /** Inspects the container again even if its line is the same. */
    forgetContainer: containers.forget,
    /** Keeps the container as it is now until the returned function is called; then it is inspected again. */
    holdContainer: containers.hold,
    forgetNetworks: networks.forget,
    forgetImages: images.forget,
    forgetVolumes: volumes.forget,
    forgetAll,
    /** Whether events are followed; changes before that may have been missed. */
    follow: (isOpen: boolean): void => {
      isFollowed = isOpen;
      forgetAll();
    },
  };
};

/** The last list and its result. Bytes, because text would be garbage for V8 at every observation. */
interface Look {
  readonly bytes: Buffer;
  readonly replaces: string;
  readonly known: readonly string[] | undefined;
  readonly containers: readonly Container[];
}

interface Known {
  readonly fingerprint: string;
  readonly container: Container;
  readonly atMs: number;
}

const createContainers = (ask: Ask, isFollowed: () => boolean) => {
  const known = new Map<string, Known>();
  /** The number of running actions by container. */
  const held = new Map<string, number>();
  let last: Look | undefined;
  /** A request that began before a forget is not cached. */
  let forgotten = 0;

  /** Returns no detail if the container has gone since the list. */
  const inspect = async (
    listed: Container,
    withFacts: boolean,
    signal: AbortSignal,
  ): Promise<Pick<Container, 'state' | 'detail' | 'ports'>> => {
    try {
      const inspected = parse(await ask.text(`/containers/${listed.id}/json`, signal)) as Inspected;
      const image = withFacts ? await imageConfig(ask, listed.imageId, signal) : undefined;
      const facts = withFacts ? { facts: createFactsOf(inspected, image) } : {};
      // The list shows a container whose removal failed as `removing` for ever.
      const state = listed.state === 'removing' ? stateOf(inspected.State.Status) : listed.state;
      // The list may be from before it joined its networks. Of a container that ended since, the list counts.
      const isRunning = listed.state === 'running' && stateOf(inspected.State.Status) === 'running';
      const ports = (isRunning ? publishedIn(inspected) : undefined) ?? listed.ports;
      return { state, ports, detail: { ...detailOf(inspected), ...facts } };
    } catch (error) {
      if (statusOf(error) === 404) return { state: listed.state, ports: listed.ports, detail: undefined };
      throw error;
    }
  };

  const forget = (id?: string): void => {
    forgotten += 1;
    last = undefined;
    if (id === undefined) known.clear();
    // A container under an action is inspected afterwards anyway.
    else if (!held.has(id)) known.delete(id);
  };

  const isDue = (l: Listed, before: Known): boolean =>
    isFresh(l, before.container) && !(isFollowed() && performance.now() - before.atMs < YOUNG_EVERY_MS);

  const lookAt = async (
    l: Listed,
    { environment, replaces }: ObserveScope,
    isStrange: (id: string) => boolean,
    signal: AbortSignal,
  ) => {
    const isNamed = [nameOf(l), l.Id].some((key) => replaces.includes(key));
    const fingerprint = `${String(isNamed)} ${fingerprintOf(l)}`;
    const before = known.get(l.Id);
    const withFacts = isStrange(l.Id);
    const isWhole = !withFacts || !before?.container.detail || before.container.detail.facts !== undefined;
    if (before && (held.has(l.Id) || (isWhole && before.fingerprint === fingerprint && !isDue(l, before))))
      return before.container;
    const since = forgotten;
    const atMs = performance.now();
    const listed = containerOf(l, environment);
    const isOurs = listed.owner !== undefined || listed.edge !== undefined;
    const container =
      isOurs || isNamed ? { ...listed, ...(await inspect(listed, isOurs && withFacts, signal)) } : listed;
    if (isOurs && container.detail === undefined) return undefined;
    if (since === forgotten) known.set(l.Id, { fingerprint, container, atMs });
    return container;
  };

  return {
    observe: async (scope: ObserveScope, signal: AbortSignal): Promise<readonly Container[]> => {
      const since = forgotten;
      const bytes = await ask.bytes('/containers/json?all=true', signal);
      const replaces = scope.replaces.join(' ');
      if (last?.bytes.equals(bytes) && last.replaces === replaces && last.known === scope.known)
        return last.containers;
      const listed = listOf('containers', parse(bytes.toString()) as readonly Listed[]);
      const ids = scope.known && new Set(scope.known);
      const isStrange = (id: string): boolean => ids !== undefined && !ids.has(id);
      const seen = await Promise.all(listed.map((l) => lookAt(l, scope, isStrange, signal)));
      const containers = seen.filter((c) => c !== undefined);
      const alive = new Set(listed.map((l) => l.Id));
      for (const id of known.keys()) if (!alive.has(id)) known.delete(id);
      const isFinal = since === forgotten && !listed.some((l, n) => isFresh(l, seen[n]));
      last = isFinal ? { bytes, replaces, known: scope.known, containers } : undefined;
      return containers;
    },
    forget,
    hold: (id: string): (() => void) => {
      held.set(id, (held.get(id) ?? 0) + 1);
      return () => {
        const others = (held.get(id) ?? 1) - 1;
        if (others > 0) held.set(id, others);
        else held.delete(id);
        forget(id);
      };
    },
  };
};

/** @throws if the body came from a proxy in between */
const parse = (said: string): unknown => {
  try {
    return JSON.parse(said) as unknown;
  } catch {
    // Quotes neither the body nor the parser's message: they may contain a container's environment.
    throw new Error('the engine gave no JSON');
  }
};

export type Observer = ReturnType<typeof createObserver>;

/**
 * What changes in a line only when the container does: of "Up 3 hours (healthy)" and "Exited (1) 2 days ago"
 * the words in brackets, and the endpoints, which are new after each start and so reveal a restart whose
 * event was lost.
 */
const fingerprintOf = (l: Listed): string =>
  [
    l.State,
    l.Names.join(),
    ...(l.Status.match(/\([^)]*\)/g) ?? []),
    l.ImageID,
    ...Object.values(l.NetworkSettings?.Networks ?? {}).map((n) => n.EndpointID),
  ].join('|');

/** Whether it may change while its line stays the same: after a start without an event, or in its removal. */
const isYoung = (l: Listed): boolean =>
  /second|Less than|Restarting/.test(l.Status) || l.State === 'created' || l.State === 'removing';

/** Containers without detail are known by their line alone. */
const isFresh = (l: Listed, seen: Container | undefined): boolean => seen?.detail !== undefined && isYoung(l);

/** Links add further names with a slash in them. */
const nameOf = (l: Listed): string =>
  (l.Names.find((n) => n.lastIndexOf('/') === 0) ?? l.Names[0] ?? '').replace(/^\//, '');

const containerOf = (l: Listed, environment: string): Container => {
  const labels = labelsOf(l.Labels);
  const other = labels[LABELS.environment];
  const owner = parseOwner(labels, environment);
  // Old agents did not blank an image's labels, so a service's container may carry this label from its image.
  const edge = owner ? undefined : parseEdge(labels, environment);
  const preflight = !owner && !edge && isPreflight(labels, environment);
  const otherEnvironment = !owner && !edge && !preflight ? other : undefined;
  return {
    id: asText(l.Id),
    name: nameOf(l),
    imageId: asText(l.ImageID) as Container['imageId'],
    state: stateOf(l.State),
    owner,
    otherEnvironment,
    ...(otherEnvironment !== undefined && { otherOwner: parseOther(labels) }),
    edge,
    ...(preflight && { isPreflight: true as const }),
    ports: portsOf(l.Ports),
    detail: undefined,
  };
};

const portsOf = (ports: readonly Dockerode.Port[]): readonly HostPort[] =>
  ports.flatMap((p) =>
    p.PublicPort ? [{ hostAddress: p.IP, hostPort: p.PublicPort, protocol: p.Type }] : [],
  );
