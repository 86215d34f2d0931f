import type { Action } from '../action.ts';
import { wait } from '../gate.ts';
import type { PlanInput } from '../plan-input.ts';
import type { Decision } from '../host-plan.ts';
import { refOf } from '../slot.ts';
import { actIfAny } from '../step.ts';
import { answersBy, isBare, mayBind, type EdgePart } from './edge-view.ts';

/** Whether the edge can never answer again, because its sockets are gone, and so hands nothing over. */
const isDeaf = (part: EdgePart, input: PlanInput): boolean =>
  part.container.state === 'running' &&
  !part.seen?.state &&
  part.seen?.hasSockets !== true &&
  !isBare(part) &&
  input.nowMs >= answersBy(part, input);

/**
 * The next edge waits for an edge that listens and does not answer now, because that one would keep it from
 * binding. Returns undefined if there is none.
 */
export const awaitHandOver = (input: PlanInput, others: readonly EdgePart[]): Decision | undefined => {
  const silent = others.filter((p) => mayBind(p) && !isDeaf(p, input));
  const paused = silent.filter((p) => p.container.state === 'paused');
  const thaw = paused.map((p): Action => ({ kind: 'unpause', container: refOf(p.container) }));
  const first = silent.find((p) => p.container.state !== 'restarting' || input.nowMs < answersBy(p, input));
  return (
    actIfAny(thaw, 'it was paused by hand') ??
    (first && wait('edge', `${first.container.name} does not answer, and has the ports of the next edge`))
  );
};

/**
 * Edges that can never answer let go of their ports just before the next edge binds them; their sessions go
 * on. This is the only gap of an edge in the host's network.
 */
export const silence = (input: PlanInput, others: readonly EdgePart[]): readonly Action[] => {
  const deaf = others.filter((p) => isDeaf(p, input));
  return [
    ...deaf
      .filter((p) => !p.isLeaving)
      .map((p): Action => ({ kind: 'disarm', container: refOf(p.container) })),
    ...deaf.map((p): Action => ({ kind: 'leave-edge', container: refOf(p.container) })),
  ];
};
