import type { HostPort } from '../state/actual.ts';
import type { Release } from '../state/release.ts';

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
