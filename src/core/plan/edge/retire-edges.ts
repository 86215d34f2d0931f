import { EDGE_SETTINGS } from '../../edge/render-haproxy.ts';
import type { Action } from '../action.ts';
import { wait } from '../gate.ts';
import type { PlanInput } from '../plan-input.ts';
import type { Decision, EdgeReplica } from '../host-plan.ts';
import { isUp, refOf } from '../slot.ts';
import { act, actIfAny, some } from '../step.ts';
import { currentEdge, type EdgePart } from './edge-view.ts';

/** Time for an edge that does not answer to end its sessions after the stop signal. */
const SILENT_GRACE_MS = 10_000;

/** A replaced edge stops listening, ends its sessions, and is removed; an unused one goes at once. */
export const retireEdges = (
  input: PlanInput,
  others: readonly EdgePart[],
  meant: EdgePart | undefined,
): Decision | undefined => {
  const armed = others.filter((p) => !p.isLeaving);
  const disarm = actIfAny(
    armed.map((p): Action => ({ kind: 'disarm', container: refOf(p.container) })),
    meant ? 'another edge has taken over' : 'no service needs an edge any more',
  );
  if (disarm) return disarm;
  const staying = others.filter((p) => isUp(p.container) && p.seen?.state?.isLeaving !== true);
  const leaving = actIfAny(
    staying.map((p): Action =>
      p.seen?.state
        ? { kind: 'leave-edge', container: refOf(p.container) }
        : { kind: 'stop', container: refOf(p.container), graceMs: SILENT_GRACE_MS },
    ),
    'its sessions end, new ones go to the other edge',
  );
  if (leaving) return leaving;
  const ended = others.filter((p) => !isUp(p.container));
  const keep = [...(meant ? [meant] : []), ...others.filter((p) => isUp(p.container))].map((p) => p.instance);
  const removed = some([
    ...ended.map((p): Action => ({ kind: 'remove', container: refOf(p.container) })),
    ...(ended.length > 0 ? [{ kind: 'edge-discard' as const, keep }] : []),
  ]);
  if (removed) return act(removed, 'its last session is over');
  const last = others.find((p) => isUp(p.container));
  if (!last) return undefined;
  const sessions = edgeReplicaOf(input, last).sessions ?? 0;
  return wait(
    'drain',
    `${last.container.name} ends: ${String(sessions)} session${sessions === 1 ? '' : 's'} left`,
  );
};

/** Ends edges at once: in `publish` mode the next edge cannot get the ports before that. */
export const endEdges = (others: readonly EdgePart[]): Decision | undefined => {
  const armed = others.filter((p) => !p.isLeaving);
  const why = 'its ports go to the next edge';
  return (
    actIfAny(
      armed.map((p): Action => ({ kind: 'disarm', container: refOf(p.container) })),
      why,
    ) ??
    actIfAny(
      others
        .filter((p) => isUp(p.container))
        .map((p): Action => ({ kind: 'stop', container: refOf(p.container), graceMs: 0 })),
      why,
    )
  );
};

export const edgeReplicaOf = (input: PlanInput, part: EdgePart): EdgeReplica => {
  const { container, instance, isLeaving, seen } = part;
  const isCurrent = currentEdge(input.actual)?.instance === instance;
  const role = isLeaving ? 'leaving' : isCurrent ? 'serving' : 'starting';
  return {
    container: refOf(container),
    instance,
    role,
    state: container.state,
    version: seen?.state?.version,
    sessions: seen?.state?.servers.reduce((sum, s) => sum + s.sessions, 0),
    isOutdated: seen?.state !== undefined && seen.state.settings !== EDGE_SETTINGS,
  };
};
