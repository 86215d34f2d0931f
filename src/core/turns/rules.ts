/** The rules by which hosts take turns, as the store and the simulation of a fleet use them. */
export { askTurn } from './ask-turn.ts';
export { rolloutStatus } from './describe-rollout.ts';
export { unfinishedChanges, type FleetView } from './fleet-view.ts';
export { followManifest } from './follow-manifest.ts';
export { obey } from './obey.ts';
export { review } from './review.ts';
export { revisionOf, startedAt } from './revisions.ts';
export { newTurnState, type TurnState } from './turn-state.ts';
