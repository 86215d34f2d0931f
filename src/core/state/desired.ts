import { createHash } from 'node:crypto';
import type {
  ComposeProject,
  NetworkDefinition,
  Service,
  VolumeDefinition,
} from '../compose/project-model.ts';
import {
  hashWith,
  networkHash,
  releaseId,
  specHash,
  specVersionOf,
  volumeHash,
} from '../compose/release-spec.ts';
import { exposureOf } from '../compose/start-first-checks.ts';
import { formatImage, parseImage, type ImageReference } from '../image/reference.ts';
import type { Manifest, ManifestService } from '../manifest/manifest.ts';
import { asFleetJob } from './fleet-jobs.ts';
import { effectiveProject, hasAddresses, type Unmet } from './kept-networks.ts';
import type { Ledger, ResolvedTag } from './ledger.ts';
import type { Hashed, Release, ReleaseImage, ReleaseSpec } from './release.ts';
import type { BlockReason } from '../vocabulary/reasons.ts';

/** Which release a service should run: compose × manifest × host. */
export type Desired =
  | {
      readonly kind: 'release';
      readonly release: Release;
      readonly attempt: number;
      /** Present if the release lacks something that the compose file says. */
      readonly unmet?: Unmet;
      /** Present if the engine cannot start it: it wants a network or an address that cannot exist here. */
      readonly unstartable?: Unmet;
    }
  /** A tag without a known digest: the agent has not looked it up yet. */
  | {
      readonly kind: 'unresolved';
      readonly image: ReleaseImage;
      readonly key: string;
      readonly version: string;
    }
  | { readonly kind: 'unpublished'; readonly message: string }
  | {
      readonly kind: 'blocked';
      readonly reason: BlockReason;
      readonly message: string;
      readonly advice: string;
    };

export interface DesiredHost {
  readonly services: Readonly<Record<string, Desired>>;
  /** Manifest entries that change nothing here, and why. */
  readonly ignored: readonly { readonly service: string; readonly why: string }[];
}

export interface DesiredInput {
  readonly project: ComposeProject;
  readonly manifest: Manifest | undefined;
  readonly ledger: Pick<Ledger, 'tags' | 'services'>;
  /** `linux/amd64` */
  readonly platform: string;
}

export const isJob = (project: ComposeProject, service: string): boolean =>
  Object.values(project.services).some((other) =>
    other.dependsOn.some((d) => d.service === service && d.condition === 'completed'),
  );

export const resolveHost = (input: DesiredInput): DesiredHost => {
  const own = new Map(
    Object.values(input.project.services).map((service) => [service.name, resolveService(input, service)]),
  );
  const services = Object.fromEntries(
    [...own].map(([name, desired]) => [
      name,
      isJob(input.project, name) ? asJob(input.project, name, desired, own) : desired,
    ]),
  );
  return { services, ignored: ignoredEntries(input) };
};

const ignoredEntries = ({ project, manifest }: DesiredInput): DesiredHost['ignored'] =>
  Object.keys(manifest?.services ?? {}).flatMap((service) => {
    const declared = project.services[service];
    if (!declared) return [{ service, why: 'no service of this name in the compose files of this host' }];
    if (entryOf(declared) === null) return [{ service, why: `the host pins ${declared.image}` }];
    if (declared.versionFrom !== undefined)
      return [{ service, why: `it runs the version of ${declared.versionFrom}` }];
    return [];
  });

const isPinned = (image: ImageReference): boolean => image.tag !== undefined || image.digest !== undefined;

/** The manifest's entry that gives a service its version; null if the host pins the image. */
export const entryOf = (service: Service): string | null =>
  isPinned(parseImage(service.image)) ? null : (service.versionFrom ?? service.name);

const resolveService = (input: DesiredInput, service: Service): Desired => {
  const declared = parseImage(service.image);
  const source = entryOf(service);
  if (source === null) return resolveImage(input, service, { image: declared, imageIds: {}, attempt: 0 }, 0);
  const entry = input.manifest?.services[source];
  if (!input.manifest || !entry) {
    const where = input.manifest
      ? `manifest ${String(input.manifest.serial)} does not name ${source}`
      : 'no manifest has been accepted yet';
    return { kind: 'unpublished', message: `no version is published yet: ${where}` };
  }
  if (entry.image.repository !== declared.repository) {
    return {
      kind: 'blocked',
      reason: 'repository',
      message:
        `the manifest names ${formatImage(entry.image)}, ` +
        `but this host runs ${service.image} for ${service.name}`,
      advice: `publish a version of ${service.image}, or change the service's image in the compose file`,
    };
  }
  return resolveImage(input, service, entry, input.manifest.serial);
};

/** A tag is resolved once for each attempt, and with `pull_policy: always` once for each manifest. */
const tagKey = (service: Service, entry: ManifestService, serial: number): string =>
  `${formatImage(entry.image)}#${String(entry.attempt)}` +
  (service.pullPolicy === 'always' ? `@${String(serial)}` : '');

const resolveImage = (
  input: DesiredInput,
  service: Service,
  entry: ManifestService,
  serial: number,
): Desired => {
  const platform = service.container.platform ?? input.platform;
  const archive = entry.archives?.[platform];
  const image: ReleaseImage = {
    reference: entry.image,
    digest: entry.image.digest,
    imageId: entry.imageIds[platform],
    pullPolicy: service.pullPolicy,
    platform: service.container.platform,
    ...(archive && { archive }),
  };
  const version = entry.image.tag ?? (entry.image.digest ?? '').slice('sha256:'.length).slice(0, 12);
  if (image.digest !== undefined)
    return releaseOf(input, service, image, { version, serial, attempt: entry.attempt });
  const key = tagKey(service, entry, serial);
  const resolved = input.ledger.tags[key];
  if (!resolved) return { kind: 'unresolved', image, key, version };
  return releaseOf(input, service, withResolved(image, resolved), {
    version,
    serial,
    attempt: entry.attempt,
  });
};

const withResolved = (image: ReleaseImage, resolved: ResolvedTag): ReleaseImage =>
  resolved.kind === 'digest'
    ? { ...image, digest: resolved.digest }
    : { ...image, imageId: resolved.imageId };

const releaseOf = (
  input: DesiredInput,
  service: Service,
  image: ReleaseImage,
  { attempt, ...named }: { version: string; serial: number; attempt: number },
): Desired => ({
  kind: 'release',
  attempt,
  release: releaseOfImage(input, service, image, named),
  ...unmetBy(input, service),
});

const unmetBy = (
  { project, ledger }: DesiredInput,
  { container: { networkMode } }: Service,
): Pick<Extract<Desired, { kind: 'release' }>, 'unmet' | 'unstartable'> => {
  const { kept, refused } = effectiveProject(project, ledger);
  const attachments = networkMode.kind === 'networks' ? networkMode.attachments : [];
  const onKept = attachments.flatMap((attachment) => {
    const network = kept.get(attachment.network);
    return network ? [{ ...network, attachment }] : [];
  });
  const unmet = onKept[0]?.unmet;
  const refusals = attachments.flatMap(({ network }) => refused.get(network) ?? []);
  const unstartable = onKept.find((k) => !hasAddresses(k.definition, k.attachment))?.unmet ?? refusals[0];
  return { ...(unmet && { unmet }), ...(unstartable && { unstartable }) };
};

/** The release that this image and the current compose files make of a service. */
export const releaseOfImage = (
  { project: written, ledger }: Pick<DesiredInput, 'project' | 'ledger'>,
  service: Service,
  image: ReleaseImage,
  { version, serial }: { readonly version: string; readonly serial: number },
): Release => {
  const { project } = effectiveProject(written, ledger);
  const hash = currentHash(service, project, ledger);
  const digest = image.digest ?? image.imageId ?? '';
  return {
    id: releaseId({ service: service.name, specHash: hash, digest }),
    service: service.name,
    specHash: hash,
    image,
    version,
    serial,
    spec: specOf(service, project),
  };
};

/**
 * A running release was hashed by the algorithm of the agent that created it. While that algorithm gives the
 * same hash for the spec, the hash is kept, so that an upgrade of the agent restarts nothing.
 */
const currentHash = (service: Service, project: ComposeProject, ledger: DesiredInput['ledger']): string => {
  const proven = ledger.services[service.name]?.good[0]?.release.specHash;
  const version = proven === undefined ? undefined : specVersionOf(proven);
  if (proven !== undefined && version !== undefined && hashWith(version, service, project) === proven)
    return proven;
  return specHash(service, project);
};

const specOf = (service: Service, project: ComposeProject): ReleaseSpec => {
  const exposure = exposureOf(service);
  const networks: Record<string, Hashed<NetworkDefinition>> = {};
  if (service.container.networkMode.kind === 'networks') {
    for (const { network } of service.container.networkMode.attachments) {
      const definition = project.networks[network];
      if (definition) networks[network] = { definition, hash: networkHash(definition) };
    }
  }
  const volumes: Record<string, Hashed<VolumeDefinition>> = {};
  for (const mount of service.container.mounts) {
    const definition = mount.kind === 'volume' ? project.volumes[mount.name] : undefined;
    if (mount.kind === 'volume' && definition)
      volumes[mount.name] = { definition, hash: volumeHash(definition) };
  }
  return {
    ...(service.variables && { variables: service.variables }),
    container: service.container,
    containerName: service.containerName,
    networks,
    volumes,
    ready: service.ready,
    monitorMs: service.update.monitorMs,
    healthyWithinMs: service.healthyWithinMs,
    ...(exposure && { exposure }),
  };
};

/**
 * A job runs once per (its release, the releases that wait for it), so those releases are part of its id. One
 * that runs once in the fleet does so for each image and attempt.
 */
const asJob = (
  project: ComposeProject,
  job: string,
  desired: Desired,
  all: ReadonlyMap<string, Desired>,
): Desired => {
  if (desired.kind !== 'release') return desired;
  const dependents = Object.values(project.services)
    .filter((s) => s.dependsOn.some((d) => d.service === job && d.condition === 'completed'))
    .map((s) => all.get(s.name))
    .flatMap((d) => (d?.kind === 'release' ? [d.release] : []));
  const ids = dependents.map((d) => d.id).toSorted();
  if (ids.length === 0)
    return { kind: 'unpublished', message: `no service that waits for ${job} has a version yet` };
  if (project.services[job]?.once === 'fleet')
    return { ...desired, release: asFleetJob(desired.release, desired.attempt) };
  const id = createHash('sha256')
    .update([desired.release.id, ...ids].join('\n'))
    .digest('hex');
  // A job with a pinned image still waits for the rollout phase of the manifest that named its dependents.
  const serial = Math.max(desired.release.serial, ...dependents.map((d) => d.serial));
  return { ...desired, release: { ...desired.release, id, serial } };
};
