import { canonicalSubnet, subnetsOverlap } from '../compose/ip.ts';
import type { ComposeProject, NetworkDefinition } from '../compose/project-model.ts';
import { networkHash } from '../compose/release-spec.ts';
import { networkName } from '../docker-names.ts';
import type { Actual, Network } from '../state/actual.ts';
import { isExclusive, subnetsOf } from '../state/kept-networks.ts';
import type { Hashed, Release } from '../state/release.ts';
import type { Action } from './action.ts';
import { refusedNeed, type Need } from './need.ts';
import { failedStepKey, type PlanInput } from './plan-input.ts';

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
    return networks.find((n) => n.name === (desired.definition.fixedName ?? logical));
  const isAlone = ({ id, name }: Network): boolean => networks.every((n) => n.id === id || n.name !== name);
  const same = networks.filter((n) => n.owner?.hash === desired.hash && isAlone(n));
  return (
    same.find((n) => n.owner?.network === logical) ??
    same.find((n) => n.owner && isFormerKey(input, n.owner.network, logical, desired))
  );
};

/**
 * Whether a network that was created for the key `former` is the one of `logical`: the key was renamed, and
 * the engine can have only one network of this definition. Networks of two declared keys are never one.
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

type CreateNetwork = Extract<Action, { kind: 'create-network' }>;

const createNetwork = (
  { environment, actual }: PlanInput,
  network: string,
  { hash, definition }: Hashed<NetworkDefinition>,
): CreateNetwork => {
  const plain = definition.fixedName ?? networkName(environment, network);
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
      const name = desired.definition.fixedName ?? logical;
      return refusedNeed(
        'network',
        `the external network ${name} does not exist`,
        `create it (docker network create ${name}), or correct its name in the compose file`,
      );
    }
    const { fixedName } = desired.definition;
    const other = input.actual.networks.find((n) => n.name === fixedName)?.otherEnvironment;
    // A network of another name is not what the file asks for.
    if (fixedName !== undefined && other !== undefined)
      return refusedNeed(
        'network',
        `the network ${fixedName} belongs to the environment ${other}`,
        `give ${logical} another name in the compose file (name: below networks.${logical}), ` +
          'or write external: true there to join that network',
      );
    const holder = subnetHolder(input.actual, desired.definition);
    if (holder?.owner)
      return refusedNeed(
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

/** A network of the engine, ours first, that has a subnet of this definition. No two networks share one. */
export const subnetHolder = ({ networks }: Actual, definition: NetworkDefinition): Network | undefined => {
  const declared = subnetsOf(definition);
  const holders = networks.filter((n) =>
    n.subnets.some((s) => declared.some((d) => subnetsOverlap(canonicalSubnet(s) ?? s, d))),
  );
  return holders.find((n) => n.owner) ?? holders[0];
};

/** The networks with declared subnets that the services of these files use, by logical name. */
export const definedSubnets = (
  project: ComposeProject,
): readonly (readonly [string, Hashed<NetworkDefinition>])[] => {
  const used = new Set(
    Object.values(project.services).flatMap(({ container: { networkMode } }) =>
      networkMode.kind === 'networks' ? networkMode.attachments.map((a) => a.network) : [],
    ),
  );
  return Object.entries(project.networks)
    .filter(([name, definition]) => used.has(name) && subnetsOf(definition).length > 0)
    .map(([name, definition]) => [name, { definition, hash: networkHash(definition) }]);
};
