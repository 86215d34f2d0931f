import type { NetworkDefinition, VolumeDefinition } from '../compose/project-model.ts';
import { networkHash } from '../compose/release-spec.ts';
import { parseImage } from '../image/reference.ts';
import { keepRepository, keepTag, networkName, volumeName } from '../docker-names.ts';
import type { Actual, Image, Network } from '../state/actual.ts';
import { isExclusive, subnetsOf } from '../state/kept-networks.ts';
import type { Hashed, Release, ReleaseImage } from '../state/release.ts';
import type { Action } from './action.ts';
import { definedSubnets, subnetHolder } from './declared-subnets.ts';
import { blocked, type Blocked } from './gate.ts';
import { failedStepKey, type PlanInput } from './plan-input.ts';

/**
 * The local image that is exactly this one. With the containerd store the id is the manifest digest, so both
 * forms count. A signed id outranks the digest: an image with that digest but another id is refused. An image
 * from a mirror may have neither; it is found by `kept`, our tag that it got once it was verified.
 */
export const findImage = (
  images: readonly Image[],
  desired: ReleaseImage,
  kept: string,
): Image | undefined => {
  const { digest, imageId, reference } = desired;
  const exact = images.find(({ id, digests }) => {
    const isNamed = (id as string) === digest || id === imageId;
    if (isNamed || imageId !== undefined) return isNamed;
    return (
      digest !== undefined &&
      digests.some((d) => d.digest === digest && d.repository === reference.repository)
    );
  });
  if (exact || imageId !== undefined || digest === undefined) return exact;
  const { repository, tag } = parseImage(kept);
  return images.find(({ tags }) => tags.some((t) => t.repository === repository && t.tag === tag));
};

/** The tag that keeps a release's image from every clean-up. Only verified images get it. */
export const keepName = (environment: string, { service, id }: Release): string =>
  `${keepRepository(environment)}:${keepTag(service, id)}`;

export const releaseImage = (
  { environment, actual }: Pick<PlanInput, 'environment' | 'actual'>,
  release: Release,
): Image | undefined => findImage(actual.images, release.image, keepName(environment, release));

const fixedOrOwn = (fixed: string | undefined, own: string): string => fixed ?? own;

/**
 * The engine's network for this definition: external networks by name, ours by label. Old engines let two
 * environments create one name at the same time; then no container can start on either network, and ours is
 * created again.
 */
export const liveNetwork = (
  input: PlanInput,
  logical: string,
  desired: Hashed<NetworkDefinition>,
): Network | undefined => {
  const { networks } = input.actual;
  if (desired.definition.external)
    return networks.find((n) => n.name === fixedOrOwn(desired.definition.fixedName, logical));
  const isAlone = ({ id, name }: Network): boolean => networks.every((n) => n.id === id || n.name !== name);
  const same = networks.filter((n) => n.owner?.hash === desired.hash && isAlone(n));
  return (
    same.find((n) => n.owner?.network === logical) ??
    same.find((n) => n.owner && isFormerKey(input, n.owner.network, logical, desired))
  );
};

/**
 * Whether a network that was created for the key `former` is the one of `logical`: the key was renamed, and the
 * engine can have only one network of this definition. Networks of two declared keys are never one.
 */
const isFormerKey = (
  { project, ledger }: PlanInput,
  former: string,
  logical: string,
  { hash, definition }: Hashed<NetworkDefinition>,
): boolean => {
  if (!isExclusive(definition)) return false;
  const claims = Object.values(project.networks).filter((d) => networkHash(d) === hash);
  const isKnown = Object.values(ledger.services).some(({ good }) =>
    good.some(({ release }) => release.spec.networks[logical]?.hash === hash),
  );
  return claims.length <= 1 && (project.networks[former] === undefined || isKnown);
};

export const liveName = (
  input: PlanInput,
  networks: Release['spec']['networks'],
  logical: string,
): string | undefined => {
  const desired = networks[logical];
  return desired && liveNetwork(input, logical, desired)?.name;
};

/**
 * A changed definition gets a new name, and the old network lives until nothing needs it. So does a network
 * with a name that is taken: ours are known by their labels.
 */
export const freeNetworkName = ({ networks }: Actual, plain: string, suffix: string): string => {
  const isFree = (name: string): boolean => networks.every((n) => n.name !== name);
  if (isFree(plain)) return plain;
  for (let count = 1; ; count += 1) {
    const name = `${plain}-${suffix}${count === 1 ? '' : `-${String(count)}`}`;
    if (isFree(name)) return name;
  }
};

export const nameOfVolume = (
  environment: string,
  logical: string,
  desired: Hashed<VolumeDefinition>,
): string =>
  desired.definition.external
    ? fixedOrOwn(desired.definition.fixedName, logical)
    : fixedOrOwn(desired.definition.fixedName, volumeName(environment, logical));

export type Need =
  | { readonly kind: 'met' }
  | { readonly kind: 'act'; readonly actions: readonly [Action, ...Action[]] }
  | { readonly kind: 'blocked'; readonly decision: Blocked };

const refused = (...block: Parameters<typeof blocked>): Need => ({
  kind: 'blocked',
  decision: blocked(...block),
});

type CreateNetwork = Extract<Action, { kind: 'create-network' }>;

const createNetwork = (
  { environment, actual }: PlanInput,
  network: string,
  { hash, definition }: Hashed<NetworkDefinition>,
): CreateNetwork => {
  const plain = fixedOrOwn(definition.fixedName, networkName(environment, network));
  const name = freeNetworkName(actual, plain, hash.slice(0, 8));
  return { kind: 'create-network', name, network, hash, definition };
};

/**
 * Creates the missing networks with declared subnets before a network whose subnet the engine chooses, which
 * may be one of theirs. After a failed step under this key the other network waits no longer.
 */
export const declaredSubnets = (input: PlanInput, stepKey: string): readonly CreateNetwork[] => {
  if (input.failedSteps[stepKey]?.action === 'create-network') return [];
  return definedSubnets(input.project)
    .filter(([name, desired]) => !liveNetwork(input, name, desired))
    .filter(([, { definition }]) => !subnetHolder(input.actual, definition))
    .map(([name, desired]) => createNetwork(input, name, desired))
    .filter(({ name, definition: { fixedName } }) => fixedName === undefined || name === fixedName);
};

export const networksNeed = (input: PlanInput, release: Release): Need => {
  const missing: CreateNetwork[] = [];
  for (const [logical, desired] of Object.entries(release.spec.networks)) {
    if (liveNetwork(input, logical, desired)) continue;
    if (desired.definition.external) {
      const name = fixedOrOwn(desired.definition.fixedName, logical);
      return refused(
        'network',
        `the external network ${name} does not exist`,
        `create it (docker network create ${name}), or correct its name in the compose file`,
      );
    }
    const { fixedName } = desired.definition;
    const other = input.actual.networks.find((n) => n.name === fixedName)?.otherEnvironment;
    // A network of another name is not what the file asks for.
    if (fixedName !== undefined && other !== undefined)
      return refused(
        'network',
        `the network ${fixedName} belongs to the environment ${other}`,
        `give ${logical} another name in the compose file (name: below networks.${logical}), ` +
          'or write external: true there to join that network',
      );
    const holder = subnetHolder(input.actual, desired.definition);
    if (holder?.owner)
      return refused(
        'network',
        `the network ${logical} has a subnet of our own network ${holder.name}, which is still needed`,
        `give ${logical} another subnet in the compose file (ipam below networks.${logical})`,
      );
    missing.push(createNetwork(input, logical, desired));
  }
  const declared = missing.filter((m) => subnetsOf(m.definition).length > 0);
  const early =
    declared.length < missing.length
      ? declaredSubnets(input, failedStepKey(release.service, release.id))
      : [];
  const before = [...declared, ...early.filter((e) => declared.every((d) => d.name !== e.name))];
  const [first, ...rest] = before.length > 0 ? before : missing;
  return first ? { kind: 'act', actions: [first, ...rest] } : { kind: 'met' };
};

type DesiredVolume = readonly [logical: string, desired: Hashed<VolumeDefinition>];

/**
 * Two environments can come to one volume name: `eu_data` of `e`, and `data` of `e_eu`. A volume without our
 * labels is used as Compose uses it, and two definitions that both name it explicitly share it.
 */
const takenVolume = (input: PlanInput, [logical, desired]: DesiredVolume): Blocked | undefined => {
  const name = nameOfVolume(input.environment, logical, desired);
  const live = input.actual.volumes.find((v) => v.name === name);
  if (!live || desired.definition.external) return undefined;
  const made = live.owner?.volume ?? logical;
  const isShared = input.project.volumes[made]?.fixedName === name && desired.definition.fixedName === name;
  const holder =
    live.otherEnvironment === undefined
      ? `was made for the volume ${made}`
      : `belongs to the environment ${live.otherEnvironment}`;
  if (live.otherEnvironment === undefined && (made === logical || isShared)) return undefined;
  return {
    kind: 'blocked',
    reason: 'volume',
    message: `the volume ${name} ${holder}, and ${logical} has the same name`,
    advice:
      `give ${logical} another name in the compose file (name: below volumes.${logical}), ` +
      `or write external: true and name: ${name} there to share it`,
  };
};

/** The first volume of this release that belongs to another environment, or to another volume of this one. */
export const takenVolumes = (input: PlanInput, release: Release): Blocked | undefined =>
  Object.entries(release.spec.volumes)
    .map((volume) => takenVolume(input, volume))
    .find((decision) => decision !== undefined);

export const volumesNeed = (input: PlanInput, release: Release): Need => {
  const taken = takenVolumes(input, release);
  if (taken) return { kind: 'blocked', decision: taken };
  const missing: Action[] = [];
  for (const [logical, desired] of Object.entries(release.spec.volumes)) {
    const name = nameOfVolume(input.environment, logical, desired);
    const live = input.actual.volumes.find((v) => v.name === name);
    if (desired.definition.external) {
      if (live) continue;
      return refused(
        'volume',
        `the external volume ${name} does not exist`,
        `create it (docker volume create ${name}), or correct its name in the compose file`,
      );
    }
    if (live?.owner && live.owner.hash !== desired.hash) {
      return refused(
        'volume',
        `the volume ${name} exists with another definition`,
        'a volume cannot be changed: give it a new name in the compose file, and move what it holds',
      );
    }
    if (!live)
      missing.push({
        kind: 'create-volume',
        name,
        volume: logical,
        hash: desired.hash,
        definition: desired.definition,
      });
  }
  const [first, ...rest] = missing;
  return first ? { kind: 'act', actions: [first, ...rest] } : { kind: 'met' };
};
