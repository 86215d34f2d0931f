import { joinedNamespaces } from './namespaces.ts';
import type { Service } from './project-model.ts';
import { hint, isLiteral, nodeAt, quoted, report, spend, type Context } from './reader-context.ts';
import type { Services, WrittenService } from './service.ts';
import { unknownService } from './unknown-service.ts';

/** The cost of each service that the search for a cycle visits, charged to the project's allowance. */
const SEARCH_COST = 8;

/** Container name → service. */
type Donors = ReadonlyMap<string, string>;

export const donorsOf = (services: Services): Donors =>
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

export const dependencyChecks = ({ service, node }: WrittenService, services: Services, c: Context): void => {
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
export const cycleCheck = (
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
export const donorHints = (
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
