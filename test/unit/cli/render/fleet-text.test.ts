import { describe, expect, it } from 'vitest';
import { renderFleet, type Fleet } from '../../../../src/cli/render/fleet-text.ts';
import { NO_TOTALS } from '../../../../src/core/fleet/fleet-totals.ts';
import { createPalette } from '../../../../src/cli/terminal/colour.ts';
import { changeStatus, minutesBefore, rolloutStatus } from '../../../support/rollout.ts';

const SCREEN = { columns: undefined, colour: false, palette: createPalette({ colour: false }) };
const headOf = (rollout: Fleet['rollout'], incompleteUntilMs?: number): string =>
  renderFleet(
    {
      environment: 'production',
      published: undefined,
      totals: NO_TOTALS,
      incompleteUntilMs,
      others: NO_TOTALS,
      rollout,
      where: undefined,
      judged: [],
      nowMs: 0,
    },
    SCREEN,
  ).split('\n\n')[0] ?? '';

const QUIET = 'production: nothing is published; no host has reported';

describe('the headline of a fleet', () => {
  it('says that hosts may be missing', () => {
    expect(headOf('no-turns', Date.parse('2026-11-23T10:03:00Z'))).toBe(
      `${QUIET}\nthe hub has lost its reports, and hears all hosts again by 2026-11-23T10:03:00Z`,
    );
  });

  it.each<[string, Fleet['rollout']]>([
    ['the store hands out no turns', 'no-turns'],
    ['there is no change', rolloutStatus()],
    ['every change is finished', rolloutStatus({ changes: [changeStatus({ state: 'finished' })] })],
  ])('says nothing of a rollout where %s', (_what, rollout) => {
    expect(headOf(rollout)).toBe(QUIET);
  });

  it.each<[string, Fleet['rollout'], string]>([
    [
      'is under way',
      rolloutStatus({ changes: [changeStatus()] }),
      'production: serial 418 (web 1.1.0) is under way, wave 1 of 1 (supercargo rollout status production)',
    ],
    [
      'is halted',
      rolloutStatus({
        changes: [
          changeStatus({
            state: 'halted',
            halted: { reason: 'web-7 failed', at: minutesBefore(1), hosts: [] },
          }),
        ],
      }),
      'production: serial 418 (web 1.1.0) is halted: web-7 failed (supercargo rollout status production)',
    ],
    ['cannot be read', { trouble: 'the hub\nfailed' }, 'unknown: the hub failed'],
  ])('has a line for a rollout that %s', (_what, rollout, line) => {
    expect(headOf(rollout)).toBe(`${QUIET}\nrollout: ${line}`);
  });
});
