import { describe, expect, it } from 'vitest';
import type { Hearing } from '../../../src/core/ports/fleet-store.ts';
import { newTurnState } from '../../../src/core/turns/rules.ts';
import { createFleetViews } from '../../../src/hub/fleet-views.ts';

const MINUTE = 60_000;

/** Views of a fleet without a report whose store is in this run. */
const views = (hearing: Partial<Hearing>, awaited: readonly string[] = []) => {
  const state = { hearing: { awaited, ...hearing } };
  const { of } = createFleetViews({
    all: () => [],
    removed: () => new Set(),
    awaited: () => state.hearing.awaited,
    hearing: () => ({
      life: 'a',
      revision: 1,
      heardMs: 0,
      atMs: 0,
      run: 1,
      runBeganMs: 0,
      beforeRunMs: 0,
      isForgotten: false,
      ...state.hearing,
    }),
  });
  return {
    startingAt: (nowMs: number) => of('staging', newTurnState('staging'), nowMs).starting,
    change: (next: Partial<Hearing> & { readonly awaited?: readonly string[] }): void => {
      state.hearing = { ...state.hearing, ...next };
    },
  };
};

describe('the start of a run of reports', () => {
  it('waits for hosts of the run before, for three minutes', () => {
    const { startingAt } = views({ runBeganMs: 10 * MINUTE }, ['web-1']);
    expect(startingAt(11 * MINUTE)).toEqual({ hosts: ['web-1'], untilMs: 13 * MINUTE });
    expect(startingAt(13 * MINUTE)).toBeNull();
  });

  it('waits for no host once all were heard', () => {
    expect(views({ runBeganMs: 10 * MINUTE }).startingAt(11 * MINUTE)).toBeNull();
  });

  it('waits for three minutes where all reports were lost', () => {
    const { startingAt } = views({ isForgotten: true });
    expect(startingAt(2 * MINUTE)).toEqual({ hosts: [], untilMs: 3 * MINUTE });
    expect(startingAt(3 * MINUTE)).toBeNull();
  });

  it('comes again with the next run, at a hub that goes on', () => {
    const { startingAt, change } = views({});
    expect(startingAt(30 * MINUTE)).toBeNull();
    change({ run: 2, runBeganMs: 60 * MINUTE, revision: 2, awaited: ['web-2'] });
    expect(startingAt(61 * MINUTE)).toEqual({ hosts: ['web-2'], untilMs: 63 * MINUTE });
    change({ life: 'b', run: 1, runBeganMs: 61 * MINUTE, awaited: [], isForgotten: true });
    expect(startingAt(61 * MINUTE)).toEqual({ hosts: [], untilMs: 64 * MINUTE });
  });
});
