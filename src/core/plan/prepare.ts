import { describeNeed, engineNeeds, isUnmet } from '../compose/engine-needs.ts';
import { containerName } from '../docker-names.ts';
import { formatImage } from '../image/reference.ts';
import type { Container } from '../state/actual.ts';
import type { Desired } from '../state/desired.ts';
import type { Release } from '../state/release.ts';
import type { Action, CreateContainer } from './action.ts';
import { absentDonor, joins, replacedDonor } from './shared-namespace.ts';
import { edgeNetwork } from './edge/edge-view.ts';
import { lostPort } from './lost-ports.ts';
import { exclusiveText, portText, stubbornHolder, type Holder } from './exclusive-resources.ts';
import { blocked, wait, type Blocked } from './gate.ts';
import type { Decision } from './host-plan.ts';
import { isSpent, type PlanInput, type ServiceContext, type Target } from './plan-input.ts';
import { keepName, releaseImage } from './local-image.ts';
import { type Need } from './need.ts';
import { liveName, networksNeed } from './networks.ts';
import { nameOfVolume, volumesNeed } from './volumes.ts';
import { containerOwner } from './port-owner-text.ts';
import { preflightOf } from './preflight.ts';
import { type Step, act, blockedStep, stuck } from './step.ts';
import { isExtra, isUp, servingName, slotsOf, type Slot } from './slot.ts';

/** Gets all that a missing container needs, unless something refuses it; it stops nothing. */
export const prepare = (c: ServiceContext, target: Target, slot: Slot): Step => {
  const { release } = target;
  if (!release) {
    return blockedStep(
      'ledger',
      `the container of release ${target.id.slice(0, 8)} is gone, and no record says how to create it again`,
      `publish a version of ${c.service.name}`,
    );
  }
  const refused = refusalOf(c, target, release, slot.replica);
  if (refused) return stuck(refused);
  const image = releaseImage(c.input, release);
  if (!image) return pullStep(c, release);
  const networks = networksNeed(c.input, release);
  if (networks.kind === 'act') return act(networks.actions, 'the service needs this network');
  if (release.spec.exposure === 'edge' && !edgeNetwork(c.input.actual))
    return stuck(wait('edge', 'the edge network is being created'));
  const volumes = volumesNeed(c.input, release);
  if (volumes.kind === 'act') return act(volumes.actions, 'the service needs this volume');
  const absent = absentDonor(c, release);
  if (absent) return stuck(absent);
  return {
    kind: 'act',
    actions: [createOf(c, target, release, slot, image.id)],
    why: whyCreate(c, target, slot),
  };
};

/** Why this host cannot have a container of the release, if no step of this service can change that. */
const refusalOf = (
  c: ServiceContext,
  target: Target,
  release: Release,
  replica: number,
): Blocked | undefined =>
  engineTooOld(c.input, release) ??
  imageRefusal(c.input, release) ??
  refusalIn(networksNeed(c.input, release)) ??
  refusalIn(volumesNeed(c.input, release)) ??
  blockedBy(absentDonor(c, release)) ??
  holderRefusal(c, release) ??
  nameConflict(c, target, replica);

/** What refuses a container that a switch to this release still has to create. */
export const switchRefusal = (c: ServiceContext, release: Release): Blocked | undefined => {
  const target = { id: release.id, version: release.version, release };
  const replicas = slotsOf(c, target, (o) => isSpent(c, o))
    .filter((slot) => !slot.current && !isExtra(c, target, slot))
    .map(({ replica }) => replica);
  return (
    adoptionRefusal(c) ??
    replicas.map((r) => refusalOf(c, target, release, r)).find((refused) => refused !== undefined)
  );
};

/** Why the foreign container cannot be taken over. */
export const adoptionRefusal = ({ foreign }: ServiceContext): Blocked | undefined => {
  if (!foreign || foreign.recorded || foreign.container.detail?.autoRemove !== true) return undefined;
  const { name } = foreign.adoption;
  return blocked(
    'adoption',
    `${name} was started with --rm: stopping it would remove it, and there would be no way back to it`,
    `remove it yourself when that is meant (docker stop ${name}); the service then starts without it`,
  );
};

const blockedBy = (decision: Decision | undefined): Blocked | undefined =>
  decision?.kind === 'blocked' ? decision : undefined;

const holderRefusal = (c: ServiceContext, release: Release): Blocked | undefined => {
  const holder = stubbornHolder(c, release);
  return holder && taken(c, holder);
};

const refusalIn = (need: Need): Blocked | undefined => (need.kind === 'blocked' ? need.decision : undefined);

/** The engine would silently drop a setting of this release. */
const engineTooOld = ({ actual }: PlanInput, release: Release): Blocked | undefined => {
  const { engine } = actual;
  const unmet = engineNeeds(release.spec.container).find((need) => isUnmet(need, engine));
  return (
    unmet && { kind: 'blocked', reason: 'engine', message: describeNeed(unmet, engine), advice: unmet.advice }
  );
};

/** Why this host cannot run the release, whatever comes before it. */
export const unfit = (
  input: PlanInput,
  { release, unstartable }: Extract<Desired, { kind: 'release' }>,
): Blocked | undefined =>
  engineTooOld(input, release) ?? (unstartable && { kind: 'blocked', reason: 'network', ...unstartable });

const imageRefusal = (input: PlanInput, release: Release): Blocked | undefined =>
  release.image.pullPolicy !== 'never' || releaseImage(input, release)
    ? undefined
    : blocked(
        'image',
        `${formatImage(release.image.reference)} is not on this host, ` +
          'and pull_policy: never forbids to fetch it',
        'load the image here (docker load), or change pull_policy',
      );

/** Fetches a missing image, unless that is forbidden. */
export const pullStep = (c: ServiceContext, release: Release): Step => {
  const refused = imageRefusal(c.input, release);
  if (refused) return stuck(refused);
  const pull: Action = {
    kind: 'pull',
    image: release.image,
    keepAs: keepName(c.input.environment, release),
  };
  return act([pull], `${formatImage(release.image.reference)} is not on this host`);
};

const whyCreate = (c: ServiceContext, { id, release }: Target, { others, replica }: Slot): string => {
  const copy = others.find((o) => o.copyOf);
  if (copy?.copyOf) {
    const { version, differs } = copy.copyOf;
    const what = differs.join(', ');
    return `another program made ${copy.name} in the place of ${version} (it differs in ${what})`;
  }
  const same = others.filter((o) => o.owner?.release === id);
  const replaced = same.map((o) => replacedDonor(c.input.actual, release, o)).find((j) => j !== undefined);
  if (replaced) return `it ${joins(replaced)}, which has been replaced`;
  const lost = same.map((o) => lostPort(c.input, release, o)).find((port) => port !== undefined);
  if (lost) return `the engine joined its network without ${portText(lost)}`;
  return others.length > 0
    ? `replace ${others.map((o) => o.name).join(', ')}`
    : `replica ${String(replica)} of ${c.service.name} is missing`;
};

const orTakeOver = (c: ServiceContext, name: string): string =>
  `or let this service take it over: x-supercargo: {replaces: ${name}} in ${c.service.name}`;

const taken = (c: ServiceContext, { container, held }: Holder): Blocked => {
  const { name, owner, otherEnvironment } = container;
  if (held.kind === 'address')
    return blocked(
      'network',
      `${exclusiveText(held)} is taken by the ${owner ? '' : 'foreign '}container ${name}`,
      'write another address in the compose file, or an ip_range without it (ipam below networks), ' +
        'from which the engine then chooses',
    );
  const { text, advice } = containerOwner(container, held.port);
  const message = `${exclusiveText(held)} is taken by ${text}`;
  if (owner)
    return blocked(
      'port',
      message,
      'two services cannot publish one port: change one of them in the compose file',
    );
  const takeOver = `stop it (docker stop ${name}), ${orTakeOver(c, name)}`;
  return blocked('port', message, otherEnvironment === undefined ? takeOver : advice);
};

/** A container outside this service has a name that the service needs. The agent does not rename it. */
const nameConflict = (c: ServiceContext, target: Target, replica: number): Blocked | undefined => {
  const names = [
    servingName(c, target, replica),
    containerName(c.input.environment, c.service.name, replica, target.id),
  ];
  const isForeign = (o: Container): boolean =>
    o.owner?.service !== c.service.name && o.id !== c.foreign?.container.id;
  const nameHolder = c.input.actual.containers.find((o) => names.includes(o.name) && isForeign(o));
  if (!nameHolder) return undefined;
  const { name, owner, otherEnvironment } = nameHolder;
  if (owner || otherEnvironment !== undefined) {
    const holder = owner ? `service ${owner.service}` : `environment ${String(otherEnvironment)}`;
    return blocked(
      'name',
      `the name ${name} is taken by a container of the ${holder}`,
      `give ${c.service.name} another container_name in the compose file`,
    );
  }
  return blocked(
    'name',
    `the name ${name} is taken by a container that is not ours`,
    `rename or remove it, ${orTakeOver(c, name)}`,
  );
};

const createOf = (
  c: ServiceContext,
  target: Target,
  release: Release,
  slot: Slot,
  imageId: Container['imageId'],
): CreateContainer => {
  const { exposure } = release.spec;
  const serving = servingName(c, target, slot.replica);
  const own = containerName(c.input.environment, c.service.name, slot.replica, target.id);
  const isNameFree = (name: string): boolean => c.input.actual.containers.every((o) => o.name !== name);
  const fallback = isNameFree(own) ? own : `${own}-${String(c.own.length)}`;
  const preflight = preflightOf(c, release, slot);
  return {
    kind: 'create',
    name: isNameFree(serving) ? serving : fallback,
    release,
    replica: slot.replica,
    serial: release.serial,
    imageId,
    // Start-first containers never share a port, so the engine may restart old and new together.
    armed: slot.others.length === 0 || exposure !== undefined,
    // If no other container has the name, the name misleads no client.
    named: exposure !== 'alias' || !c.own.some(isUp),
    ...(exposure === 'edge' && { edge: { network: edgeNetwork(c.input.actual)?.name ?? '', ip: '' } }),
    networks: Object.fromEntries(
      Object.keys(release.spec.networks).map((n) => [n, liveName(c.input, release.spec.networks, n) ?? n]),
    ),
    volumes: Object.fromEntries(
      Object.entries(release.spec.volumes).map(([n, v]) => [n, nameOfVolume(c.input.environment, n, v)]),
    ),
    carried: exposure === undefined ? carriedVolumes(release, slot) : {},
    ...(preflight && { preflight }),
  };
};

/** The names that the engine gives to anonymous volumes. */
const isAnonymous = (volume: string): boolean => /^[a-f0-9]{64}$/.test(volume);

/** Anonymous volumes move on from the container that used them last, as with Compose. */
const carriedVolumes = (release: Release, { others }: Slot): Readonly<Record<string, string>> => {
  const last = others
    .filter((o) => o.detail?.startedAtMs !== undefined)
    .toSorted((a, b) => (b.detail?.startedAtMs ?? 0) - (a.detail?.startedAtMs ?? 0))[0];
  const isDeclared = (target: string): boolean =>
    release.spec.container.mounts.some((m) => m.target === target && m.kind !== 'anonymous') ||
    release.spec.container.tmpfs[target] !== undefined;
  return Object.fromEntries(
    (last?.detail?.volumes ?? [])
      .filter((v) => isAnonymous(v.name) && !isDeclared(v.target))
      .map((v) => [v.target, v.name]),
  );
};
