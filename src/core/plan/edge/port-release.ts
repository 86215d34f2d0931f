import type { EdgeFrontend } from '../../edge/edge-config.ts';
import type { Container } from '../../state/actual.ts';
import type { Release } from '../../state/release.ts';
import { overlaps, publishedPorts } from '../host-ports.ts';
import { wait } from '../gate.ts';
import type { ServiceContext } from '../plan-input.ts';
import { isUp } from '../slot.ts';
import { type Step, stuck } from '../step.ts';
import { edgeParts, isSentTo, isWritten, sameFrontend } from './edge-view.ts';
import { endpointOf, endpointTakenBy } from './port-availability.ts';

/** Waits until the edge has let go of the ports that the engine is to publish. Undefined once it has. */
export const awaitPorts = (c: ServiceContext, release: Release): Step | undefined => {
  const held = heldPort(c, release);
  return held && stuck(wait('edge', `the edge gives up port ${String(held.hostPort)}`));
};

/** The edge does not give up the health endpoint's port. The service stays as it is, and in service. */
export const blockedByEndpoint = (c: ServiceContext, release: Release): Step | undefined => {
  const endpoint = endpointOf(c.input.edge);
  const held = heldPort(c, release);
  return endpoint && held && sameFrontend(held, endpoint)
    ? stuck(endpointTakenBy(endpoint, c.service.name))
    : undefined;
};

const heldPort = (
  { input: { actual } }: ServiceContext,
  release: Release,
): Pick<EdgeFrontend, 'hostAddress' | 'hostPort'> | undefined => {
  const wanted = publishedPorts(release).filter((p) => p.protocol === 'tcp');
  return edgeParts(actual)
    .filter((p) => p.container.state === 'running' && !p.seen?.state?.isLeaving)
    .flatMap(({ seen, isLeaving }) => {
      if (seen?.state) return seen.state.frontends;
      return isLeaving ? [] : (seen?.written?.frontends ?? []);
    })
    .find((f) => wanted.some((p) => overlaps(p, { ...f, protocol: 'tcp' })));
};

/** Waits until no edge sends to the containers that are about to be stopped. */
export const awaitOut = (
  { input: { actual } }: ServiceContext,
  others: readonly Container[],
): Step | undefined => {
  const named = others.find((o) => isWritten(actual, o.id) || (isUp(o) && isSentTo(actual, o.id)));
  return named && stuck(wait('edge', `the edge still sends to ${named.name}`));
};
