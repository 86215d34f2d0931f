import { endHosts } from './end-hosts.ts';
import { endTurns } from './end-turns.ts';
import { audited, type FleetView } from './fleet-view.ts';
import { haltChanges, noteJams } from './halts.ts';
import { haltByJobs, reviewJobs } from './jobs.ts';
import type { TurnState } from './turn-state.ts';
import { moveWaves } from './waves.ts';

const endPersonHalt = (state: TurnState, { nowMs }: FleetView): TurnState => {
  const { halt } = state;
  if (halt === null || halt.untilMs === null || nowMs < halt.untilMs) return state;
  return audited({ ...state, halt: null }, nowMs, 'resume', 'the time of the halt is over');
};

/** States that a review of this view leaves as they are: many hosts ask in one moment. */
const settled = new WeakMap<TurnState, FleetView>();

/**
 * The state after what hosts said and what time has passed: turns end, changes end on hosts, changes are
 * halted, waves open. Returns the same object if nothing changed.
 */
export const review = (state: TurnState, view: FleetView): TurnState => {
  if (settled.get(state) === view) return state;
  const steps = [endPersonHalt, endTurns, reviewJobs, endHosts, noteJams, haltChanges, haltByJobs, moveWaves];
  const reviewed = steps.reduce((next, step) => step(next, view), state);
  if (reviewed === state) settled.set(state, view);
  return reviewed;
};
