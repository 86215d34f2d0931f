import type { EpochMs } from '../time.ts';
import type { FleetView } from './fleet-view.ts';
import type { TurnState } from './turn-state.ts';

/**
 * What answers carry and hosts echo. Each start of a store begins above every number that it may have given
 * before, so that a store which goes on from a backup never repeats the numbers that the backup lacks.
 */
export const revisionOf = ({ revision, start }: Pick<TurnState, 'revision' | 'start'>): number =>
  (start?.from ?? 0) + revision;

/**
 * The state as a store continues it that has started at this time. The same object if this start, or a later
 * one of another hub, is noted already.
 */
export const startedAt = (state: TurnState, atMs: EpochMs): TurnState => {
  if (state.start !== null && state.start.atMs >= atMs) return state;
  const before = revisionOf(state);
  return { ...state, start: { atMs, before, from: before === 0 ? 0 : Math.max(atMs, before + 1) } };
};

/** The highest number that a host has seen and this state never had: the state is a backup. 0 for none. */
export const seenBeyond = (state: TurnState, words: FleetView['words']): number => {
  const { start } = state;
  const seen = words
    .map(({ turns }) => turns?.revision ?? 0)
    .filter((r) => r > revisionOf(state) || (start !== null && r > start.before && r < start.from));
  return Math.max(0, ...seen);
};

export const noteRestore = (state: TurnState, { words }: FleetView): TurnState => {
  const last = seenBeyond(state, words);
  return last > (state.restored?.seen ?? 0)
    ? { ...state, restored: { serial: state.serial, seen: last } }
    : state;
};
