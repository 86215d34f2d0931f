import { serverName } from '../../edge/haproxy-names.ts';
import type { Container } from '../../state/actual.ts';
import type { Action } from '../action.ts';
import type { ServiceContext, Target } from '../plan-input.ts';
import { isUp, type Slot } from '../slot.ts';
import { stateActions } from './drain.ts';
import { type Step, act, some } from '../step.ts';
import { backendsOf, currentEdge, edgeAddress, serversOf } from './edge-view.ts';

/**
 * Another program removed the container that the edge sent to, and made a copy of it. The copy takes its
 * connections until the own container of the release is good: an outage would be worse than what the copy
 * runs. Undefined: there is nothing to do about it.
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
