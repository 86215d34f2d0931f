import { memoize } from '../memoize.ts';
import type { Digest } from '../image/reference.ts';
import { canonicalSha256 } from './canonical.ts';
import { exposureOf } from './start-first-checks.ts';
import type { ComposeProject, NetworkDefinition, Service, VolumeDefinition } from './project-model.ts';

/** 16 hex digits: enough to tell the definitions of one host apart, short enough for a name. */
const definitionHash = (definition: NetworkDefinition | VolumeDefinition): string =>
  canonicalSha256(definition).slice(0, 16);

/** 16 hex digits over the definition alone; equal definitions under other names are equal. */
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
  // Absent with stop-first, so that no hash changed when it came.
  const exposure = exposureOf(service);
  const volumes = mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.name] : []));
  return canonicalSha256({
    container: service.container,
    containerName: service.containerName,
    ...(exposure && { exposure }),
    networks: references(networks, project.networks),
    volumes: references(volumes, project.volumes),
  });
};

/**
 * Every algorithm there ever was, by version. One is never changed or removed: the hash on a running
 * container is compared with the algorithm of its own version, so that an upgraded agent restarts nothing.
 * New members of the model must be optional and absent by default.
 */
export const SPEC_VERSIONS = { '1': specVersion1 } as const satisfies Readonly<
  Record<string, (service: Service, project: ComposeProject) => string>
>;

export type SpecVersion = keyof typeof SPEC_VERSIONS;

const CURRENT: SpecVersion = '1';

const isSpecVersion = (version: string): version is SpecVersion => Object.hasOwn(SPEC_VERSIONS, version);

/** The version in front of a spec hash; undefined where this agent does not know the algorithm. */
export const specVersionOf = (specHash: string): SpecVersion | undefined => {
  const version = specHash.slice(0, Math.max(0, specHash.indexOf(':')));
  return isSpecVersion(version) ? version : undefined;
};

/** `VERSION:` and 64 hex digits, by the algorithm of that version. */
export const hashWith = (version: SpecVersion, service: Service, project: ComposeProject): string => {
  const known = hashesOf(project);
  const key = `${version} ${service.name}`;
  // Only of its own services: a caller may ask about one that it has made up.
  const isOwn = project.services[service.name] === service;
  const hash =
    (isOwn ? known.get(key) : undefined) ?? `${version}:${SPEC_VERSIONS[version](service, project)}`;
  if (isOwn) known.set(key, hash);
  return hash;
};

/** By algorithm and service. A project that is not read anew is the same object, tick after tick. */
const hashesOf = memoize((_project: ComposeProject) => new Map<string, string>());

/**
 * What determines the service's containers, apart from the image: the container spec, the container's name,
 * and the definitions of the networks and volumes that it uses. Declared input only, never an engine's
 * defaults.
 */
export const specHash = (service: Service, project: ComposeProject): string =>
  hashWith(CURRENT, service, project);

/** A release's identity, 64 hex digits: SHA-256 over (service, spec hash, image digest). */
export const releaseId = (release: {
  readonly service: string;
  readonly specHash: string;
  readonly digest: Digest | string;
}): string =>
  canonicalSha256({ service: release.service, specHash: release.specHash, digest: release.digest });
