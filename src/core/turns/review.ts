import { endHosts } from './end-hosts.ts';
import { endTurns } from './end-turns.ts';
import { audited } from './audit.ts';
import { type FleetView } from './fleet-view.ts';
import { haltChanges, noteJams } from './halts.ts';
import { haltByJobs, reviewJobs } from './jobs.ts';
import type { TurnState } from './turn-state.ts';
import { moveWaves } from './waves.ts';

const endPersonHalt = (state: TurnState, { nowMs }: FleetView): TurnState => {
  const { halt } = state;
  if (halt === null || halt.untilMs === null || nowMs < halt.untilMs) return state;
  return audited({ ...state, halt: null }, nowMs, 'resume', 'the time of the halt is over');
};

/** States that were reviewed with this view: many hosts ask in one moment. */
const settled = new WeakMap<TurnState, FleetView>();

/** Notes that a grant followed a review of this view: it changes nothing that is read from words or time. */
export const asReviewed = (state: TurnState, view: FleetView): TurnState => {
  settled.set(state, view);
  return state;
};

/**
 * The state after what hosts said and what time has passed: turns end, changes end on hosts, changes are
 * halted, waves open. Returns the same object if nothing changed.
 */
export const review = (state: TurnState, view: FleetView): TurnState => {
  if (settled.get(state) === view) return state;
  const steps = [endPersonHalt, endTurns, reviewJobs, endHosts, noteJams, haltChanges, haltByJobs, moveWaves];
  const reviewed = steps.reduce((next, step) => step(next, view), state);
  return reviewed === state ? asReviewed(state, view) : reviewed;
};
