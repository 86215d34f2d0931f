import { describe, expect, it } from 'vitest';
import { noteRestore, revisionOf, startedAt } from '../../../../src/core/turns/revisions.ts';
import { newTurnState, type FleetView, type TurnState } from '../../../../src/core/turns/rules.ts';
import { createScene } from './scene.ts';

const [DAY_1, DAY_2] = [1_000_000, 2_000_000];

/** The store writes so many times. */
const written = (state: TurnState, times: number): TurnState => ({
  ...state,
  revision: state.revision + times,
});

const seeing = (revision: number): FleetView => {
  const scene = createScene(['web-1']);
  const turns = { life: 'a', seq: 9, asked: [], jobs: [], revision };
  scene.tell('web-1', { turns });
  return scene.view();
};

const begun = written(startedAt(newTurnState('staging'), DAY_1), 50);

describe('the number that answers carry', () => {
  it('grows with each write, and by far with each start', () => {
    expect(revisionOf(begun)).toBe(50);
    expect(revisionOf(startedAt(begun, DAY_2))).toBe(DAY_2 + 50);
    expect(revisionOf(startedAt(written(startedAt(begun, DAY_2), 3), DAY_2 + 1))).toBeGreaterThan(DAY_2 + 53);
  });

  it('stays with the latest start of several hubs', () => {
    const latest = startedAt(begun, DAY_2);
    expect(startedAt(latest, DAY_1)).toBe(latest);
    expect(startedAt(latest, DAY_2)).toBe(latest);
  });

  it.each<[string, number, boolean]>([
    ['before the start', 50, false],
    ['since the start', DAY_2 + 60, false],
    ['by a start that is not in the backup', DAY_1 + 700_000, true],
    ['in the writes that the backup lacks, although the store has written as often since', 55, true],
    ['by a store of later', DAY_2 + 10_000, true],
  ])('shows a backup where a host has seen a number of %s', (_what, seen, isBackup) => {
    const now = written(startedAt(begun, DAY_2), 20);
    expect(noteRestore(now, seeing(seen)).restored !== null).toBe(isBackup);
  });
});
