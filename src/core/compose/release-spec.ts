import { memoize } from '../memoize.ts';
import type { Digest } from '../image/reference.ts';
import { canonicalSha256 } from './canonical.ts';
import { sortedPorts } from './ports.ts';
import { exposureOf } from './start-first-checks.ts';
import type { ComposeProject, NetworkDefinition, Service, VolumeDefinition } from './project-model.ts';

/** 16 hex digits over the definition without its name: unique enough on one host, short enough for a name. */
const definitionHash = (definition: NetworkDefinition | VolumeDefinition): string =>
  canonicalSha256(definition).slice(0, 16);

export const networkHash = (definition: NetworkDefinition): string => definitionHash(definition);
export const volumeHash = (definition: VolumeDefinition): string => definitionHash(definition);

interface Reference {
  readonly name: string;
  readonly definition: string | undefined;
}

const references = <T extends NetworkDefinition | VolumeDefinition>(
  names: readonly string[],
  definitions: Readonly<Record<string, T>>,
): readonly Reference[] =>
  [...new Set(names)].toSorted().map((name) => {
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    return { name, definition: definition && definitionHash(definition) };
  });

const specVersion1 = (service: Service, project: ComposeProject): string => {
  const { networkMode, mounts } = service.container;
  const networks =
    networkMode.kind === 'networks' ? networkMode.attachments.map(({ network }) => network) : [];
  // Absent with stop-first, so that the introduction of `exposure` changed no existing hash.
  const exposure = exposureOf(service);
  const volumes = mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.name] : []));
  return canonicalSha256({
    container: { ...service.container, ports: sortedPorts(service.container.ports) },
    containerName: service.containerName,
    ...(exposure && { exposure }),
    networks: references(networks, project.networks),
    volumes: references(volumes, project.volumes),
  });
};

/**
 * All hash algorithms by version. None is ever changed or removed: the agent compares a container's hash by
 * the algorithm of its version, so an upgraded agent restarts nothing. New members of the model must be
 * optional and absent by default.
 */
export const SPEC_VERSIONS = { '1': specVersion1 } as const satisfies Readonly<
  Record<string, (service: Service, project: ComposeProject) => string>
>;

export type SpecVersion = keyof typeof SPEC_VERSIONS;

const CURRENT: SpecVersion = '1';

const isSpecVersion = (version: string): version is SpecVersion => Object.hasOwn(SPEC_VERSIONS, version);

/** The version in front of a spec hash, or undefined if this agent does not know the algorithm. */
export const specVersionOf = (specHash: string): SpecVersion | undefined => {
  const version = specHash.slice(0, Math.max(0, specHash.indexOf(':')));
  return isSpecVersion(version) ? version : undefined;
};

/** `VERSION:` and 64 hex digits, by the algorithm of that version. */
export const hashWith = (version: SpecVersion, service: Service, project: ComposeProject): string => {
  const known = hashesOf(project);
  const key = `${version} ${service.name}`;
  // Only the project's own services are cached: a caller may pass a modified service.
  const isOwn = project.services[service.name] === service;
  const hash =
    (isOwn ? known.get(key) : undefined) ?? `${version}:${SPEC_VERSIONS[version](service, project)}`;
  if (isOwn) known.set(key, hash);
  return hash;
};

/** The hashes by version and service. An unchanged project stays the same object over many ticks. */
const hashesOf = memoize((_project: ComposeProject) => new Map<string, string>());

/**
 * The hash of everything that determines the service's containers, except the image: the container spec, the
 * container name, and the definitions of its networks and volumes. It never includes defaults of an engine.
 */
export const specHash = (service: Service, project: ComposeProject): string =>
  hashWith(CURRENT, service, project);

/** The id of a release: the SHA-256 over service, spec hash and image digest, 64 hex digits. */
export const releaseId = (release: {
  readonly service: string;
  readonly specHash: string;
  readonly digest: Digest | string;
}): string =>
  canonicalSha256({ service: release.service, specHash: release.specHash, digest: release.digest });
