import type { Container } from '../../state/actual.ts';
import type { Release } from '../../state/release.ts';
import { overlaps, publishedPorts } from '../host-ports.ts';
import { wait } from '../gate.ts';
import type { ServiceContext } from '../plan-input.ts';
import { isUp } from '../slot.ts';
import { type Step, stuck } from '../step.ts';
import { edgeParts, isSentTo, isWritten } from './edge-view.ts';

/** Waits until the edge has let go of the ports that the engine is to publish. Undefined once it has. */
export const awaitPorts = ({ input: { actual } }: ServiceContext, release: Release): Step | undefined => {
  const wanted = publishedPorts(release).filter((p) => p.protocol === 'tcp');
  const held = edgeParts(actual)
    .filter((p) => p.container.state === 'running' && !p.seen?.state?.isLeaving)
    .flatMap(({ seen, isLeaving }) => {
      if (seen?.state) return seen.state.frontends;
      return isLeaving ? [] : (seen?.written?.frontends ?? []);
    })
    .find((f) => wanted.some((p) => overlaps(p, { ...f, protocol: 'tcp' })));
  return held && stuck(wait('edge', `the edge gives up port ${String(held.hostPort)}`));
};

/** Waits until no edge sends to the containers that are about to be stopped. */
export const awaitOut = (
  { input: { actual } }: ServiceContext,
  others: readonly Container[],
): Step | undefined => {
  const named = others.find((o) => isWritten(actual, o.id) || (isUp(o) && isSentTo(actual, o.id)));
  return named && stuck(wait('edge', `the edge still sends to ${named.name}`));
};
