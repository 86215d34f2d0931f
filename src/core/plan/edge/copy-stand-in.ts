import { serverName } from '../../edge/haproxy-names.ts';
import type { Container } from '../../state/actual.ts';
import type { Action } from '../action.ts';
import type { ServiceContext, Target } from '../plan-input.ts';
import { isUp, type Slot } from '../slot.ts';
import { stateActions } from './connection-draining.ts';
import { type Step, act, some } from '../step.ts';
import { backendsOf, currentEdge, edgeAddress, serversOf } from './edge-view.ts';

/**
 * Another program replaced a container behind the edge by a copy. The copy gets its connections until a new
 * container of the release is good, because an outage would be worse than what the copy runs. Returns
 * undefined if there is nothing to do.
 */
export const standIn = (c: ServiceContext, target: Target, { others }: Slot): Step | undefined => {
  const good = c.record.good[0]?.release;
  if (target.release?.spec.exposure !== 'edge' || good?.spec.exposure !== 'edge') return undefined;
  const { actual } = c.input;
  const edge = currentEdge(actual);
  const written = edge?.seen?.written?.frontends ?? [];
  const copies = others.filter((o) => o.copyOf?.release === good.id && isStanding(c, o));
  const added = copies.flatMap((o) =>
    backendsOf(good)
      .filter((b) => written.some((f) => f.backend === b.name))
      .filter((b) => serversOf(actual, o.id).every((s) => s.backend !== b.name || s.admin === 'maint'))
      .map((b): Action => ({
        kind: 'edge-add-server',
        instance: edge?.instance ?? '',
        backend: b.name,
        server: { name: serverName(o.id), address: edgeAddress(actual, o), port: b.containerPort },
      })),
  );
  const answering = copies.filter((o) => serversOf(actual, o.id).every((s) => s.check === 'L4OK'));
  const actions = some(added) ?? some(answering.flatMap((o) => stateActions(c.input, o, 'ready')));
  return actions && act(actions, 'the copy by another program serves until its successor is good');
};

const isStanding = (c: ServiceContext, container: Container): boolean =>
  isUp(container) &&
  c.record.drains?.[container.id] === undefined &&
  edgeAddress(c.input.actual, container) !== '';
