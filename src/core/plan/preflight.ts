import { canonicalSha256 } from '../compose/canonical.ts';
import type { Port } from '../compose/project-model.ts';
import { sortedPorts } from '../compose/ports.ts';
import { joinedNamespaces } from '../compose/namespaces.ts';
import type { Container, EngineFacts } from '../state/actual.ts';
import type { Release, ReleaseSpec } from '../state/release.ts';
import type { Action, Preflight } from './action.ts';
import { freeAddresses } from './exclusive-resources.ts';
import { covers, overlaps } from './host-ports.ts';
import { lostPort } from './lost-ports.ts';
import { edgeParts } from './edge/edge-view.ts';
import type { ServiceContext } from './plan-input.ts';
import { failedStepOf } from './failed-step.ts';
import { isUp, type Slot } from './slot.ts';

/**
 * What a preflight may use to show that the engine would start this container, before the old one stops.
 * Returns undefined if nothing stops for it, or if the engine already runs the very same settings.
 */
export const preflightOf = (c: ServiceContext, release: Release, slot: Slot): Preflight | undefined => {
  // With start-first the container itself starts beside the old one.
  if (release.spec.exposure !== undefined) return undefined;
  const serving = slot.others.filter(isUp);
  if (serving.length === 0 || !isRisky(c, release, serving)) return undefined;
  const ports = release.spec.container.ports.filter((p) => p.hostPort !== undefined);
  const holders = ports.map((port) => ({ port, holder: holderOf(c, port, serving) }));
  return {
    ports: holders.filter((h) => h.holder === undefined).map((h) => h.port),
    addresses: freeAddresses(c.input, release),
    untried: holders.flatMap(({ port, holder }) =>
      holder === undefined || holder.isGiven ? [] : [`port ${portText(port)}, which ${holder.name} has`],
    ),
  };
};

/** The warning about what no preflight can show before these steps interrupt the service; else null. */
export const warningOf = (steps: readonly { readonly action: Action }[]): string | null => {
  const untried = steps.flatMap(({ action }) =>
    action.kind === 'create' ? (action.preflight?.untried ?? []) : [],
  );
  return untried.length === 0
    ? null
    : `the new container may not get ${[...new Set(untried)].join(', ')}: ` +
        'this shows only after the old one has stopped';
};

const portText = ({ hostAddress, hostPort, protocol }: Port): string =>
  `${hostAddress === '' ? '' : `${hostAddress}:`}${String(hostPort)}/${protocol}`;

const isRisky = (c: ServiceContext, release: Release, serving: readonly Container[]): boolean =>
  failedStepOf(c, release.id)?.action === 'start' ||
  dependsOnMore(release.spec, c.input.actual.engine) ||
  // Another program may have taken the port meanwhile.
  serving.some(
    (o) => lostPort(c.input, release, o) !== undefined || !isAccepted(release.spec, specOfServing(c, o)),
  );

const specOfServing = (c: ServiceContext, { owner }: Container): ReleaseSpec | undefined =>
  c.record.good.find((g) => g.release.id === owner?.release)?.release.spec;

/** These drivers log to the engine's own disk; every other driver needs something that may be away. */
const LOCAL_LOGS: ReadonlySet<string> = new Set(['', 'json-file', 'local', 'none']);

/** Whether something outside the engine, or in the new image, can make it refuse what it accepted before. */
const dependsOnMore = (
  { container, networks, volumes }: ReleaseSpec,
  { logDriver }: EngineFacts,
): boolean => {
  const driver = container.logging?.driver ?? logDriver ?? '';
  return (
    !LOCAL_LOGS.has(driver) ||
    container.devices.length > 0 ||
    container.deviceRequests !== undefined ||
    container.runtime !== undefined ||
    container.securityOpt.length > 0 ||
    container.mounts.some((m) => m.kind === 'bind') ||
    Object.values(volumes).some(
      ({ definition: d }) => d.external || isPlugged(d, 'local') || Object.keys(d.driverOptions).length > 0,
    ) ||
    Object.values(networks).some(({ definition: d }) => isPlugged(d, 'bridge')) ||
    joinedNamespaces(container).length > 0
  );
};

const isPlugged = ({ driver: name }: { readonly driver?: string }, own: string): boolean =>
  name !== undefined && name !== own;

/** Whether the engine runs a container with the same settings, except those for its program alone. */
const isAccepted = (desired: ReleaseSpec, serving: ReleaseSpec | undefined): boolean =>
  serving !== undefined && settingsOf(desired) === settingsOf(serving);

const hashesOf = (defined: ReleaseSpec['networks'] | ReleaseSpec['volumes']): object =>
  Object.fromEntries(Object.entries(defined).map(([name, { hash }]) => [name, hash]));

const settingsOf = ({ container, networks, volumes }: ReleaseSpec): string => {
  const {
    command: _command,
    entrypoint: _entrypoint,
    environment: _environment,
    labels: _labels,
    healthcheck: _healthcheck,
    restart: _restart,
    stopGraceMs: _grace,
    expose: _expose,
    ports,
    ...settings
  } = container;
  return canonicalSha256({
    settings,
    ports: sortedPorts(ports),
    networks: hashesOf(networks),
    volumes: hashesOf(volumes),
  });
};

interface Holder {
  readonly name: string;
  /** It stops for this release and holds the whole port, which the next container then gets. */
  readonly isGiven: boolean;
}

const holderOf = (
  { input: { actual } }: ServiceContext,
  port: Port,
  serving: readonly Container[],
): Holder | undefined => {
  const wanted = { ...port, hostPort: port.hostPort ?? 0 };
  const held = actual.containers
    .filter((o) => isUp(o) && !o.edge)
    .flatMap((o) => o.ports.filter((p) => overlaps(p, wanted)).map((p) => ({ container: o, port: p })));
  const other = held.find((h) => serving.every((s) => s.id !== h.container.id));
  if (other) return { name: other.container.name, isGiven: false };
  const own = held[0];
  if (own) return { name: own.container.name, isGiven: held.some((h) => covers(h.port, wanted)) };
  const isTheEdges = edgeParts(actual).some(({ seen }) =>
    (seen?.state?.frontends ?? seen?.written?.frontends ?? []).some((f) =>
      overlaps({ ...f, protocol: 'tcp' }, wanted),
    ),
  );
  return isTheEdges ? { name: 'the edge', isGiven: false } : undefined;
};
