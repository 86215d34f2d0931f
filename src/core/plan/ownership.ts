import { createHash } from 'node:crypto';
import type { ComposeProject } from '../compose/project-model.ts';
import { edgeCommand } from '../edge/edge-container.ts';
import { parseImage } from '../image/reference.ts';
import { asideName, containerName, edgeContainerName, keepRepository, keepTag } from '../docker-names.ts';
import type { Actual, Container, EdgeOwner, Owner } from '../state/actual.ts';
import { serviceRecord } from '../state/ledger.ts';
import { differencesFrom, type KnownRelease } from './container-drift.ts';
import type { PlanInput } from './plan-input.ts';
import { releaseImage } from './local-image.ts';

export type IdentifyInput = Pick<PlanInput, 'environment' | 'project' | 'desired' | 'ledger' | 'actual'>;

export interface Identified {
  /** The same object if every container with our labels is ours. */
  readonly actual: Actual;
  /** Ids of containers that their create-time facts prove to be ours, for the ledger. */
  readonly recognised: readonly string[];
}

/**
 * Labels prove nothing: an image can carry them, and tools that recreate containers copy them. A container is
 * ours if the ledger knows its id. It is also ours if it has our own name, and its image and create-time
 * facts are those of its release: then its agent died before it recorded the id, or recorded no ids yet.
 *
 * The engine gives each name once, so another container under our own name took the place of ours. It is a
 * copy by another program: it stays in its service as a release that was never published, so that every
 * ladder replaces it. A container under any other name stands beside ours. It is a look-alike, and foreign in
 * everything.
 */
export const identify = (input: IdentifyInput): Identified => {
  const known = new Set(input.ledger.containers);
  const recognised: string[] = [];
  const containers = input.actual.containers.map((container) => {
    const { id, owner, edge } = container;
    if (known.has(id)) return container;
    const found = owner
      ? asReplica(input, container, owner)
      : edge
        ? asEdge(input, container, edge)
        : container;
    if ((owner ?? edge) && found === container) recognised.push(id);
    return found;
  });
  const isSame = containers.every((container, at) => container === input.actual.containers[at]);
  return { actual: isSame ? input.actual : { ...input.actual, containers }, recognised };
};

const asReplica = (input: IdentifyInput, container: Container, owner: Owner): Container => {
  const releases = knownReleases(input, owner);
  const differs =
    releases.length > 0 ? leastOf(container, releases) : differsFromKept(input, container, owner);
  const names = [...releases.map((r) => r.release.spec.containerName), declaredName(input.project, owner)];
  if (!isOwnName(input.environment, container, owner) && !names.includes(container.name))
    return isJustCreated(container, releases.length > 0 && differs.length === 0)
      ? container
      : asLookalike(container, owner.service, ['name', ...differs]);
  return differs.length === 0 ? container : asCopy(container, owner, differs);
};

/**
 * The answer to its creation was lost, and it was renamed before the agent recorded its id. Such a container
 * never ran, because the agent knows what it starts.
 */
const isJustCreated = ({ detail }: Container, isAsReleased: boolean): boolean =>
  isAsReleased && detail?.facts !== undefined && detail.startedAtMs === undefined;

const asLookalike = (container: Container, service: string, differs: readonly string[]): Container => ({
  ...container,
  owner: undefined,
  edge: undefined,
  lookalike: { service, differs },
});

const asCopy = (container: Container, owner: Owner, differs: readonly string[]): Container => ({
  ...container,
  owner: {
    ...owner,
    release: createHash('sha256').update(`copy of ${owner.release} ${container.imageId}`).digest('hex'),
    version: `copy of ${owner.version}`,
  },
  copyOf: { ...owner, differs },
});

/** Releases of the same id: as desired now, and as it proved good. The container may be made of either. */
const knownReleases = (input: IdentifyInput, owner: Owner): readonly KnownRelease[] => {
  const desired = input.desired[owner.service];
  const asDesired = desired?.kind === 'release' ? [{ release: desired.release, imageIds: [] }] : [];
  const good = serviceRecord(input.ledger, owner.service).good.map((g) => ({
    release: g.release,
    imageIds: [g.imageId],
  }));
  const found = [...asDesired, ...good].filter((k) => k.release.id === owner.release);
  const imageIds = found.flatMap((k) => [...k.imageIds, ...imageHere(input, k.release)]);
  return found.map(({ release }) => ({ release, imageIds }));
};

const imageHere = (input: IdentifyInput, release: KnownRelease['release']): KnownRelease['imageIds'] => {
  const image = releaseImage(input, release);
  return image ? [image.id] : [];
};

const leastOf = (container: Container, releases: readonly KnownRelease[]): readonly string[] =>
  releases.map((r) => differencesFrom(container, r)).toSorted((a, b) => a.length - b.length)[0] ?? [];

/** For a release that is no longer known, the tag that keeps its image still says which image that was. */
const differsFromKept = (input: IdentifyInput, container: Container, owner: Owner): readonly string[] => {
  const { repository } = parseImage(keepRepository(input.environment));
  const tag = keepTag(owner.service, owner.release);
  const kept = input.actual.images.find((i) =>
    i.tags.some((t) => t.repository === repository && t.tag === tag),
  );
  return kept === undefined || kept.id === container.imageId ? [] : ['image'];
};

/** Whether the agent gave it this name: its own, perhaps numbered, or its name after it was set aside. */
const isOwnName = (environment: string, { id, name }: Container, owner: Owner): boolean => {
  const own = containerName(environment, owner.service, owner.replica, owner.release);
  const isNumbered = name.startsWith(`${own}-`) && /^\d+$/.test(name.slice(own.length + 1));
  return name === own || isNumbered || name === asideName(environment, owner.service, id);
};

const declaredName = (project: ComposeProject, owner: Owner): string | undefined =>
  project.services[owner.service]?.containerName;

/** Without a ledger: whether it may be ours. The declared name of an unknown service may be any. */
export const mayBeOurs = (
  environment: string,
  project: ComposeProject | undefined,
  container: Container,
): boolean => {
  const { owner } = container;
  if (!owner) return false;
  const service = project?.services[owner.service];
  return !service || isOwnName(environment, container, owner) || service.containerName === container.name;
};

/** An edge is known by its name and by the socket in its command. `planEdge` decides about its image. */
const asEdge = ({ environment }: IdentifyInput, container: Container, edge: EdgeOwner): Container => {
  const { facts } = container.detail ?? {};
  const expected = edgeCommand({ agentUid: 0, instance: edge.instance });
  const command = facts && [...facts.process.entrypoint, ...facts.process.command];
  const isNamed = container.name === edgeContainerName(environment, edge.instance);
  const isCommand = command === undefined || socketIn(command) === socketIn(expected);
  if (isNamed && isCommand) return container;
  return asLookalike(container, '', [...(isNamed ? [] : ['name']), ...(isCommand ? [] : ['command'])]);
};

const socketIn = (command: readonly string[]): string | undefined =>
  command[command.indexOf('-S') + 1]?.split(',')[0];
