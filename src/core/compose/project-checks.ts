import { familiarName, tryParseImage } from '../image/reference.ts';
import {
  hint,
  isLiteral,
  MAX_PROBLEMS,
  nodeAt,
  quoted,
  report,
  spend,
  type Context,
} from './reader-context.ts';
import type { Service } from './project-model.ts';
import { joinedNamespaces } from './namespaces.ts';
import { addressesOverlap, type WrittenPort } from './ports.ts';
import { closestName } from '../closest-name.ts';
import { startFirstChecks } from './start-first-checks.ts';
import type { WrittenService } from './service.ts';

type Services = ReadonlyMap<string, WrittenService>;

/** The cost of each service that the search for a cycle visits, charged to the project's allowance. */
const SEARCH_COST = 8;

const UNKNOWN_ADVICE = 'define that service, or remove this';

export const unknownService = (name: string, asking: string, services: Services, c: Context): string => {
  // The report no longer shows a suggestion, and comparing with each service takes time.
  if (c.problems.length > MAX_PROBLEMS) return UNKNOWN_ADVICE;
  const meant = closestName(
    name,
    [...services.keys()].filter((other) => other !== asking),
  );
  return meant === undefined ? UNKNOWN_ADVICE : `did you mean "${meant}"?`;
};

/** Container name → service. */
type Donors = ReadonlyMap<string, string>;

const donorsOf = (services: Services): Donors =>
  new Map(
    [...services].flatMap(([name, { service }]) =>
      service.containerName === undefined ? [] : [[service.containerName, name]],
    ),
  );

/** The services that must have containers first: dependencies and donors of namespaces. */
const predecessorsOf = (service: Service | undefined, donors: Donors): readonly string[] =>
  service === undefined
    ? []
    : [
        ...service.dependsOn.map((d) => d.service),
        ...joinedNamespaces(service.container).flatMap(({ donor }) => donors.get(donor) ?? []),
      ];

/** Returns the names on a cycle from `start` back to `start`, or undefined. */
const cycleFrom = (
  start: string,
  services: Services,
  donors: Donors,
  canGoOn: (steps: number) => boolean,
): readonly string[] | undefined => {
  const cameFrom = new Map<string, string>();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const next = predecessorsOf(services.get(name)?.service, donors);
    if (!canGoOn(1 + next.length)) return undefined;
    for (const service of next) {
      if (service === start) return [...trailTo(name, start, cameFrom), start];
      if (cameFrom.has(service)) continue;
      cameFrom.set(service, name);
      open.push(service);
    }
  }
  return undefined;
};

const trailTo = (end: string, start: string, cameFrom: ReadonlyMap<string, string>): readonly string[] => {
  const trail = [end];
  for (let name = end; name !== start;) {
    name = cameFrom.get(name) ?? start;
    trail.push(name);
  }
  return trail.toReversed();
};

const isRestartedAlways = ({ container: { restart } }: Service): boolean =>
  restart.name === 'always' || restart.name === 'unless-stopped';

const dependencyChecks = ({ service, node }: WrittenService, services: Services, c: Context): void => {
  const at = nodeAt(node, 'depends_on');
  for (const dependency of service.dependsOn) {
    const target = services.get(dependency.service)?.service;
    if (!c.defined.services.has(dependency.service)) {
      report(
        c,
        at,
        `depends on unknown service ${quoted(c, at, dependency.service)}`,
        unknownService(dependency.service, service.name, services, c),
      );
    } else if (dependency.condition === 'completed' && target && isRestartedAlways(target)) {
      const name = `"${dependency.service}"`;
      report(
        c,
        at,
        `waits until ${name} completes, but ${name} is started again when it ends`,
        `set restart: "no" or on-failure on ${name}, or wait for another condition`,
      );
    }
  }
};

/** Reports each cycle once, at its first service by name. */
const cycleCheck = (
  { service, node }: WrittenService,
  services: Services,
  donors: Donors,
  c: Context,
): void => {
  const at = nodeAt(node, 'depends_on');
  const cycle = cycleFrom(service.name, services, donors, (steps) => spend(c, at, SEARCH_COST * steps));
  if (cycle === undefined || cycle.toSorted()[0] !== service.name) return;
  const joined = joinedNamespaces(service.container).find(({ donor }) => donors.get(donor) === cycle[1]);
  const message = `services wait for each other: ${cycle.join(' → ')}`;
  if (joined === undefined) report(c, at, message, 'remove one of these dependencies');
  else
    report(
      c,
      nodeAt(node, NAMESPACE_KEYS[joined.namespace]),
      message,
      'remove one of these dependencies: a container starts after the one whose namespace it joins',
    );
};

const NAMESPACE_KEYS = { network: 'network_mode', ipc: 'ipc', pid: 'pid' } as const;

/** Only a hint, because the operator may run the donor outside supercargo. */
const donorHints = (
  { service, node }: WrittenService,
  services: Services,
  donors: Donors,
  c: Context,
): void => {
  for (const { namespace, donor } of joinedNamespaces(service.container)) {
    if (donors.has(donor)) continue;
    const at = nodeAt(node, NAMESPACE_KEYS[namespace]);
    const name = isLiteral(at) ? donor : quoted(c, at, donor);
    const advice = services.has(donor)
      ? `If you mean the service ${name}, set its container_name to ${name}`
      : `${service.name} waits until you start that container`;
    hint(c, at, `no service has container_name: ${name}. ${advice}`);
  }
};

/**
 * `version-from` must name a service of the same repository, because the manifest's digest belongs to that
 * repository. The named service must have its own version, so there are no chains and no cycles.
 */
const versionFromChecks = ({ service, node }: WrittenService, services: Services, c: Context): void => {
  if (service.versionFrom === undefined) return;
  const at = nodeAt(node, 'x-supercargo', 'version-from');
  const source = services.get(service.versionFrom)?.service;
  const own = tryParseImage(service.image);
  const other = source && tryParseImage(source.image);
  if (!c.defined.services.has(service.versionFrom)) {
    report(
      c,
      at,
      `unknown service ${quoted(c, at, service.versionFrom)}`,
      unknownService(service.versionFrom, service.name, services, c),
    );
  } else if (service.versionFrom === service.name || source?.versionFrom !== undefined) {
    report(
      c,
      at,
      `${quoted(c, at, service.versionFrom)} has no version of its own`,
      'name a service without version-from',
    );
  } else if (own && (own.tag !== undefined || own.digest !== undefined)) {
    report(
      c,
      nodeAt(node, 'image'),
      'has a tag or digest beside version-from',
      isLiteral(nodeAt(node, 'image'))
        ? `write image: ${familiarName(own.repository)}`
        : 'write it without tag and digest',
    );
  } else if (own && other && own.repository !== other.repository) {
    const image = isLiteral(nodeAt(node, 'image'))
      ? `image: ${familiarName(other.repository)}`
      : 'the same image';
    const advice = `use ${image}, or publish a version for "${service.name}"`;
    report(
      c,
      nodeAt(node, 'image'),
      `is not the repository of ${quoted(c, at, service.versionFrom)}`,
      advice,
    );
  }
};

/** Versions that are easily meant otherwise. */
const imageHints = ({ service, node }: WrittenService, c: Context): void => {
  const image = tryParseImage(service.image);
  const at = nodeAt(node, 'image');
  if (image?.tag === 'latest' && image.digest === undefined && service.pullPolicy !== 'always')
    hint(
      c,
      at,
      'the tag latest is looked up once and then stays: write a version, or no tag, and the manifest says which',
    );
  const isOfficial = image?.repository.startsWith('docker.io/library/') === true;
  if (
    isOfficial &&
    image.tag === undefined &&
    image.digest === undefined &&
    service.versionFrom === undefined
  )
    hint(
      c,
      at,
      `has no tag: it waits until the manifest names ${service.name}. Write a tag if this host decides`,
    );
};

const hasFixedAddress = ({ container }: Service): boolean =>
  container.networkMode.kind === 'networks' &&
  container.networkMode.attachments.some(
    (a) => (a.ipv4 ?? a.ipv6 ?? a.macAddress ?? a.linkLocalIps) !== undefined,
  );

/** Reports what several containers at a time cannot share. */
const singletonChecks = ({ service, ports, node }: WrittenService, c: Context): void => {
  const { order } = service.update;
  const several = service.replicas > 1;
  if (service.containerName !== undefined && (several || order === 'start-first')) {
    report(
      c,
      nodeAt(node, 'container_name'),
      'several containers cannot have the same name',
      'remove it, or use one replica and order: stop-first',
    );
  }
  const fixed = ports.find(({ port }) => port.hostPort !== undefined);
  if (several && order === 'stop-first' && fixed) {
    const count = isLiteral(nodeAt(node, 'deploy')) ? String(service.replicas) : 'several';
    report(
      c,
      fixed.node,
      `${count} replicas cannot share a host port`,
      'use one replica, leave the host port out, or use order: start-first',
    );
  }
  if ((several || order === 'start-first') && hasFixedAddress(service)) {
    const advice = 'remove the fixed addresses, or use one replica and order: stop-first';
    report(c, nodeAt(node, 'networks'), 'several containers cannot have the same address', advice);
  }
};

const portChecks = (services: Services, c: Context): void => {
  const taken = new Map<string, (WrittenPort & { readonly owner: string })[]>();
  for (const { service, ports } of services.values()) {
    if (service.replicas === 0) continue;
    for (const { port, node } of ports) {
      if (port.hostPort === undefined) continue;
      const key = `${port.hostPort}/${port.protocol}`;
      const others = taken.get(key) ?? [];
      const clash = others.find((other) => addressesOverlap(other.port.hostAddress, port.hostAddress));
      if (clash) {
        const other = `"${clash.owner}" (${clash.node.place.file}:${clash.node.place.line})`;
        const shown = isLiteral(node) ? key : quoted(c, node, key);
        const message = `host port ${shown} of "${service.name}" is also published by ${other}`;
        report(c, node, message, 'publish another host port, or another address');
      }
      taken.set(key, [...others, { port, node, owner: service.name }]);
    }
  }
};

const nameChecks = (services: Services, c: Context): void => {
  const owners = new Map<string, string>();
  for (const { service, node } of services.values()) {
    if (service.containerName === undefined) continue;
    const owner = owners.get(service.containerName);
    const at = nodeAt(node, 'container_name');
    if (owner !== undefined)
      report(
        c,
        at,
        `${quoted(c, at, service.containerName)} is also the name of "${owner}"`,
        'choose another name',
      );
    owners.set(service.containerName, service.name);
  }
};

/** The engine gives a fixed address to one container only. */
const addressChecks = (services: Services, c: Context): void => {
  const owners = new Map<string, string>();
  for (const { service, node } of services.values()) {
    const { networkMode } = service.container;
    if (networkMode.kind === 'mode' || service.replicas === 0) continue;
    for (const { network, ipv4, ipv6 } of networkMode.attachments) {
      for (const [key, address] of Object.entries({ ipv4_address: ipv4, ipv6_address: ipv6 })) {
        if (address === undefined) continue;
        const at = nodeAt(node, 'networks', network, key);
        const owner = owners.get(`${network} ${address}`);
        if (owner !== undefined)
          report(
            c,
            at,
            `${quoted(c, at, address)} is also the address of "${owner}"`,
            'write another address',
          );
        owners.set(`${network} ${address}`, service.name);
      }
    }
  }
};

/** The checks that need all services. */
export const checkServices = (services: Services, c: Context): void => {
  const donors = donorsOf(services);
  for (const written of services.values()) {
    dependencyChecks(written, services, c);
    cycleCheck(written, services, donors, c);
    donorHints(written, services, donors, c);
    versionFromChecks(written, services, c);
    imageHints(written, c);
    singletonChecks(written, c);
    startFirstChecks(written, c);
  }
  portChecks(services, c);
  nameChecks(services, c);
  addressChecks(services, c);
};
