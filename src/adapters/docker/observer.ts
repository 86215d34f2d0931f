import type Dockerode from 'dockerode';
import { LABELS } from '../../core/docker-names.ts';
import type { ObserveScope } from '../../core/ports/engine.ts';
import type { Actual, Container, EngineFacts, HostPort } from '../../core/state/actual.ts';
import { detailOf, stateOf } from './container-detail.ts';
import { createFactsOf } from './inspected-config.ts';
import { asText, labelsOf } from './response-types.ts';
import type { Ask } from './engine-call.ts';
import { statusOf, toEngineError } from './engine-error.ts';
import { imageConfig } from './image-config.ts';
import { createCache } from './cache.ts';
import { isPreflight, parseEdge, parseOther, parseOwner } from './labels.ts';
import { imageOf, networkOf, volumeOf } from './parse-resources.ts';

/** After so long every kept answer is asked for again: a stream of events may die without a word. */
const FULL_EVERY_MS = 300_000;
/** A young container whose line looks the same is inspected so often, in case that an event was lost. */
const YOUNG_EVERY_MS = 1_000;

type Listed = Dockerode.ContainerInfo;
type Inspected = Dockerode.ContainerInspectInfo;
type NetworkList = readonly Dockerode.NetworkInspectInfo[];
type ImageList = readonly Dockerode.ImageInfo[];
interface VolumeList {
  readonly Volumes: readonly Dockerode.VolumeInspectInfo[] | null;
}

/** What is no list came from something between us and the engine. */
const listOf = <T>(what: string, answer: readonly T[]): readonly T[] => {
  if (Array.isArray(answer)) return answer;
  throw new Error(`the engine gave no list of ${what}`);
};

/**
 * Looks at the engine with as few calls as it can: containers are listed each time; one is inspected again
 * only when its line in the list changed (other than by the time going on), an event named it, or it is
 * young; networks, images and volumes are asked for only after something touched them, as long as events are
 * followed. A list that says the same, byte for byte, gives the very same containers.
 *
 * A container on which a step is being taken stays what it was before: it is about to change, nobody decides
 * about it until the step has ended, and an engine answers questions about it only then. With twenty services
 * each look would wait for the slowest start.
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

  const look = async (scope: ObserveScope, signal: AbortSignal): Promise<Actual> => {
    const nowMs = performance.now();
    if (!isFollowed) forgetLists();
    if (nowMs - fullAtMs >= FULL_EVERY_MS) {
      forgetAll();
      fullAtMs = nowMs;
    }
    const { environment } = scope;
    const list = async (path: string): Promise<unknown> => parse(await ask.text(path, signal));
    const [containersSeen, networksSeen, imagesSeen, volumesSeen] = await Promise.all([
      containers.look(scope, signal),
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
      // Asked for elsewhere: this is what the engine knows.
      edges: [],
      listeners: undefined,
    };
  };

  return {
    observe: async (scope: ObserveScope, signal: AbortSignal): Promise<Actual> => {
      try {
        return await look(scope, signal);
      } catch (error) {
        forgetAll();
        throw toEngineError(error, 'cannot read the state of the engine');
      }
    },
    /** A container's line may still look the same although it is not. */
    forgetContainer: containers.forget,
    /** A step on this container begins. Ends with the answer, after which it is looked at anew. */
    holdContainer: containers.hold,
    forgetNetworks: networks.forget,
    forgetImages: images.forget,
    forgetVolumes: volumes.forget,
    forgetAll,
    /** Whether events say what changes. What happened in between was missed. */
    follow: (isOpen: boolean): void => {
      isFollowed = isOpen;
      forgetAll();
    },
  };
};

/** The same bytes and scope: the same containers. As text they would be garbage for V8 at every look. */
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
  /** How many steps are being taken on each. */
  const held = new Map<string, number>();
  let last: Look | undefined;
  /** What was under way when something was forgotten is of before, and not kept. */
  let forgotten = 0;

  /** Undefined: gone between the list and the look. The next observation says so. */
  const inspect = async (
    { Id, ImageID }: Listed,
    withFacts: boolean,
    signal: AbortSignal,
  ): Promise<Container['detail']> => {
    try {
      const inspected = parse(await ask.text(`/containers/${Id}/json`, signal)) as Inspected;
      const image = withFacts ? await imageConfig(ask, ImageID, signal) : undefined;
      const facts = withFacts ? { facts: createFactsOf(inspected, image) } : {};
      return { ...detailOf(inspected), ...facts };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  };

  const forget = (id?: string): void => {
    forgotten += 1;
    last = undefined;
    if (id === undefined) known.clear();
    // During a step it would be asked for at once; afterwards it is anyway.
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
      isOurs || isNamed ? { ...listed, detail: await inspect(l, isOurs && withFacts, signal) } : listed;
    if (isOurs && container.detail === undefined) return undefined;
    if (since === forgotten) known.set(l.Id, { fingerprint, container, atMs });
    return container;
  };

  return {
    look: async (scope: ObserveScope, signal: AbortSignal): Promise<readonly Container[]> => {
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

/** @throws where it came from something between us and the engine. */
const parse = (said: string): unknown => {
  try {
    return JSON.parse(said) as unknown;
  } catch {
    // Neither what it gave nor the parser's words, which quote it: it may be a container's environment.
    throw new Error('the engine gave no JSON');
  }
};

export type Observer = ReturnType<typeof createObserver>;

/**
 * What changes in a line only when the container does: of "Up 3 hours (healthy)" and "Exited (1) 2 days ago"
 * the words in brackets, and the endpoints, which are new after each start. A restart whose event was lost is
 * seen by them.
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

/** Others are known by their line alone. */
const isFresh = (l: Listed, seen: Container | undefined): boolean => seen?.detail !== undefined && isYoung(l);

/** Links give it further ones, with a slash in them. */
const nameOf = (l: Listed): string =>
  (l.Names.find((n) => n.lastIndexOf('/') === 0) ?? l.Names[0] ?? '').replace(/^\//, '');

const containerOf = (l: Listed, environment: string): Container => {
  const labels = labelsOf(l.Labels);
  const other = labels[LABELS.environment];
  const owner = parseOwner(labels, environment);
  // An agent that wrote no label over those of the image may have made a service's container of an image with
  // this one.
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
