import { memoize } from '../memoize.ts';
import type { Actual, Container, HostPort } from '../state/actual.ts';
import type { Release } from '../state/release.ts';
import type { ServiceContext } from './plan-input.ts';
import { isLastStand } from './gate.ts';
import { quarantineOf } from './quarantine.ts';
import { isUp } from './slot.ts';

export interface PortHolder {
  readonly kind: 'ours' | 'foreign';
  readonly name: string;
  readonly service: string | undefined;
  readonly container: Container;
  readonly held: HostPort;
  /** For people: `80/tcp`. */
  readonly port: string;
}

const ANY = new Set(['', '0.0.0.0', '::']);

export const overlaps = (a: HostPort, b: HostPort): boolean =>
  a.hostPort === b.hostPort &&
  a.protocol === b.protocol &&
  (a.hostAddress === b.hostAddress || ANY.has(a.hostAddress) || ANY.has(b.hostAddress));

/** Whether the owner of `a` also has `b`. */
export const covers = (a: HostPort, b: HostPort): boolean =>
  overlaps(a, b) && (a.hostAddress === b.hostAddress || ANY.has(a.hostAddress));

/** What the engine publishes: a release behind the edge leaves its ports to the edge. */
export const publishedPorts = (release: Release): readonly HostPort[] =>
  release.spec.exposure === 'edge' ? [] : hostPortsOf(release);

/** Every host port of a release, whether the engine or the edge opens it. */
export const hostPortsOf = (release: Release): readonly HostPort[] =>
  release.spec.container.ports.flatMap((p) =>
    p.hostPort === undefined
      ? []
      : [{ hostAddress: p.hostAddress, hostPort: p.hostPort, protocol: p.protocol }],
  );

/** Running containers outside this service that hold a host port which the release publishes. */
export const portHolders = (c: ServiceContext, release: Release): readonly PortHolder[] =>
  directPortHolders(c, publishedPorts(release));

/** Without the edge, which lets go by itself (`awaitPorts`). */
const publishing = memoize(({ containers }: Actual): readonly Container[] =>
  containers.filter((o) => heldPorts(o).length > 0 && isUp(o) && !o.edge),
);

/** Ports that the engine publishes for it, or that it has as another environment's edge. */
export const heldPorts = ({ ports, otherOwner, state }: Container): readonly HostPort[] =>
  otherOwner && otherOwner.edgePorts.length > 0 && state === 'running'
    ? [...ports, ...otherOwner.edgePorts]
    : ports;

export const directPortHolders = (c: ServiceContext, wanted: readonly HostPort[]): readonly PortHolder[] =>
  publishing(c.input.actual)
    .filter((o) => o.owner?.service !== c.service.name && o.id !== c.foreign?.container.id)
    .flatMap((o) =>
      heldPorts(o)
        .filter((p) => wanted.some((w) => overlaps(w, p)))
        .map((p) => ({
          kind: o.owner ? ('ours' as const) : ('foreign' as const),
          name: o.name,
          service: o.owner?.service,
          container: o,
          held: p,
          port: `${String(p.hostPort)}/${p.protocol}`,
        })),
    );

/** Whether our own holder lets go by itself: its service is gone, or its next release lacks the port. */
export const letsGo = (c: ServiceContext, holder: PortHolder): boolean => {
  if (holder.kind === 'foreign' || holder.service === undefined) return false;
  if (!c.input.project.services[holder.service]) return !isLastStand(c.input);
  const next = c.input.desired[holder.service];
  if (next?.kind !== 'release') return false;
  if (quarantineOf(c.input, holder.service, next.release.id, next.attempt)) return false;
  return publishedPorts(next.release).every((p) => !overlaps(p, holder.held));
};

export const stubbornHolder = (c: ServiceContext, release: Release): PortHolder | undefined =>
  portHolders(c, release).find((h) => !letsGo(c, h));

/**
 * Whether the holder's replacement exists, so that it is about to stop. Two services that swap ports both
 * have to stop first; no container is stopped for a port that may never come free.
 */
export const isReadyToSwap = (c: ServiceContext, holder: PortHolder): boolean => {
  const next = holder.service === undefined ? undefined : c.input.desired[holder.service];
  return (
    next?.kind === 'release' &&
    c.input.actual.containers.some(
      (o) => o.owner?.service === holder.service && o.owner?.release === next.release.id,
    )
  );
};
