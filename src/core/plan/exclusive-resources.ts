import { memoize } from '../memoize.ts';
import type { Actual, Container, HostPort } from '../state/actual.ts';
import type { Release } from '../state/release.ts';
import { overlaps, publishedPorts } from './host-ports.ts';
import type { PlanInput, ServiceContext } from './plan-input.ts';
import { isLastStand } from './gate.ts';
import { quarantineOf } from './quarantine.ts';
import { liveName } from './networks.ts';
import { isUp } from './slot.ts';

/** What only one running container of the host can have. `network` is the engine's name. */
export type Exclusive =
  | { readonly kind: 'port'; readonly port: HostPort }
  | { readonly kind: 'address'; readonly network: string; readonly ip: string };

export interface Holder {
  readonly kind: 'ours' | 'foreign';
  readonly name: string;
  readonly service: string | undefined;
  readonly container: Container;
  readonly held: Exclusive;
}

const asPort = (port: HostPort): Exclusive => ({ kind: 'port', port });

type Address = Extract<Exclusive, { kind: 'address' }>;

const addressesOn = (network: string, ips: readonly (string | undefined)[]): readonly Address[] =>
  ips.flatMap((ip) => (ip === undefined || ip === '' ? [] : [{ kind: 'address', network, ip }]));

/** The declared addresses on networks that exist. */
export const fixedAddresses = (input: PlanInput, { spec }: Release): readonly Address[] => {
  const mode = spec.container.networkMode;
  if (mode.kind !== 'networks') return [];
  return mode.attachments.flatMap(({ network, ipv4, ipv6 }) => {
    const live = liveName(input, spec.networks, network);
    return live === undefined ? [] : addressesOn(live, [ipv4, ipv6]);
  });
};

/** Also those that the engine chose: it gives none of them to another container. */
const heldAddresses = ({ detail }: Container): readonly Address[] =>
  (detail?.networks ?? []).flatMap((n) => addressesOn(n.network, [n.ip, n.ipv6, ...(n.fixedIps ?? [])]));

/** Ports that the engine publishes for it, or that it has as another environment's edge. */
const heldPorts = ({ ports, otherOwner, state }: Container): readonly HostPort[] =>
  otherOwner && otherOwner.edgePorts.length > 0 && state === 'running'
    ? [...ports, ...otherOwner.edgePorts]
    : ports;

const conflicts = (a: Exclusive, b: Exclusive): boolean =>
  a.kind === 'port'
    ? b.kind === 'port' && overlaps(a.port, b.port)
    : b.kind === 'address' && a.network === b.network && a.ip === b.ip;

/** `port 80/tcp` */
export const portText = ({ hostPort, protocol }: HostPort): string => `port ${String(hostPort)}/${protocol}`;

export const exclusiveText = (what: Exclusive): string =>
  what.kind === 'port' ? portText(what.port) : `address ${what.ip} of the network ${what.network}`;

interface Holding {
  readonly container: Container;
  readonly held: readonly Exclusive[];
}

/** Without the edge, which lets go by itself (`awaitPorts`). */
const holding = memoize(({ containers }: Actual): readonly Holding[] =>
  containers
    .filter((container) => isUp(container) && !container.edge)
    .map((container) => ({
      container,
      held: [...heldPorts(container).map(asPort), ...uniqueAddresses(heldAddresses(container))],
    }))
    .filter(({ held }) => held.length > 0),
);

/** An endpoint shows a fixed address twice: as requested and as given. */
const uniqueAddresses = (addresses: readonly Address[]): readonly Address[] =>
  addresses.filter((a, at) => addresses.findIndex((b) => conflicts(a, b)) === at);

/** What the engine has to give to a container of the release. */
const wantedBy = (input: PlanInput, release: Release): readonly Exclusive[] => [
  ...publishedPorts(release).map(asPort),
  ...fixedAddresses(input, release),
];

const holdersAmong = (c: ServiceContext, wanted: readonly Exclusive[]): readonly Holder[] =>
  wanted.length === 0
    ? []
    : holding(c.input.actual)
        .filter(({ container: o }) => o.owner?.service !== c.service.name && o.id !== c.foreign?.container.id)
        .flatMap(({ container, held }) =>
          held
            .filter((h) => wanted.some((w) => conflicts(w, h)))
            .map((h) => ({
              kind: container.owner ? ('ours' as const) : ('foreign' as const),
              name: container.name,
              service: container.owner?.service,
              container,
              held: h,
            })),
        );

/** Running containers outside this service that hold what the release needs for itself. */
export const holdersFor = (c: ServiceContext, release: Release): readonly Holder[] =>
  holdersAmong(c, wantedBy(c.input, release));

export const portHolders = (c: ServiceContext, wanted: readonly HostPort[]): readonly Holder[] =>
  holdersAmong(c, wanted.map(asPort));

/** The declared addresses that no running container has. */
export const freeAddresses = (input: PlanInput, release: Release): readonly string[] => {
  const held = holding(input.actual).flatMap((o) => o.held);
  return fixedAddresses(input, release)
    .filter((a) => !held.some((h) => conflicts(a, h)))
    .map(({ ip }) => ip);
};

/** Whether our own holder lets go by itself: its service is gone, or its next release does not need it. */
export const letsGo = (c: ServiceContext, { kind, service, container, held }: Holder): boolean => {
  if (kind === 'foreign' || service === undefined) return false;
  if (!c.input.project.services[service]) return !isLastStand(c.input);
  const next = c.input.desired[service];
  // A container of the next release stays, and so does what the engine chose for it.
  if (next?.kind !== 'release' || next.release.id === container.owner?.release) return false;
  if (quarantineOf(c.input, service, next.release.id, next.attempt)) return false;
  return wantedBy(c.input, next.release).every((w) => !conflicts(w, held));
};

export const stubbornHolder = (c: ServiceContext, release: Release): Holder | undefined =>
  holdersFor(c, release).find((h) => !letsGo(c, h));

/**
 * Whether the holder's replacement exists, so that it is about to stop. Two services that swap both have to
 * stop first; no container is stopped for something that may never come free.
 */
export const isReadyToSwap = (c: ServiceContext, { service }: Holder): boolean => {
  const next = service === undefined ? undefined : c.input.desired[service];
  return (
    next?.kind === 'release' &&
    c.input.actual.containers.some(
      (o) => o.owner?.service === service && o.owner?.release === next.release.id,
    )
  );
};
