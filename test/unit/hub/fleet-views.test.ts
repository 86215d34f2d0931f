import { describe, expect, it } from 'vitest';
import type { Hearing } from '../../../src/core/ports/fleet-store.ts';
import { newTurnState } from '../../../src/core/turns/rules.ts';
import { createFleetViews } from '../../../src/hub/turns/fleet-views.ts';
import { newReport } from '../../support/fleet-store-contract.ts';
import { openReportsOf } from './open-reports.ts';

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
      hasLostReports: false,
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
    const { startingAt } = views({ hasLostReports: true });
    expect(startingAt(2 * MINUTE)).toEqual({ hosts: [], untilMs: 3 * MINUTE });
    expect(startingAt(3 * MINUTE)).toBeNull();
  });

  it('comes again with the next run, at a hub that goes on', () => {
    const { startingAt, change } = views({});
    expect(startingAt(30 * MINUTE)).toBeNull();
    change({ run: 2, runBeganMs: 60 * MINUTE, revision: 2, awaited: ['web-2'] });
    expect(startingAt(61 * MINUTE)).toEqual({ hosts: ['web-2'], untilMs: 63 * MINUTE });
    change({ life: 'b', run: 1, runBeganMs: 61 * MINUTE, awaited: [], hasLostReports: true });
    expect(startingAt(61 * MINUTE)).toEqual({ hosts: [], untilMs: 64 * MINUTE });
  });
});

describe('a state that a host has seen beyond', () => {
  const startMs = Date.parse('2026-11-23T10:00:00Z');
  const untilMs = startMs + MINUTE;
  /** A host that has seen revision 7. */
  const heard = async () => {
    const reports = await openReportsOf({ ms: startMs });
    const { host, bytes } = newReport('web-1', {
      turns: { mode: 'manifest', life: 'a', seq: 1, asked: [], store: 'answers', message: null, revision: 7 },
    });
    await reports.take('staging', host, bytes);
    const { of, noteWritten } = createFleetViews(reports);
    return {
      noteWritten: () => noteWritten('staging'),
      startingBy: (revision: number) =>
        of('staging', { ...newTurnState('staging'), revision }, startMs + 1000).starting,
    };
  };

  it('is a backup once it could be written: the longest grant has to end first', async () => {
    const { startingBy, noteWritten } = await heard();
    expect(startingBy(5)).toEqual({ hosts: [], untilMs });
    noteWritten();
    expect(startingBy(8)).toEqual({ hosts: [], untilMs });
  });

  it('is none if another hub was faster, and its state has what the host saw', async () => {
    const { startingBy, noteWritten } = await heard();
    expect(startingBy(5)).toEqual({ hosts: [], untilMs });
    expect(startingBy(7)).toBeNull();
    noteWritten();
    expect(startingBy(8)).toBeNull();
  });
});
