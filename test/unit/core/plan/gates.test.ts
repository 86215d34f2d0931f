import { describe, expect, it } from 'vitest';
import type { PlanInput } from '../../../../src/core/plan/input.ts';
import type { Hold } from '../../../../src/core/state/ledger.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { START_MS, type Published } from '../../../support/world.ts';
import { deployed, running, web, WEB } from './scenario.ts';

const hold = (all: boolean): Hold => ({
  reason: 'Friday',
  owner: 'ops',
  sinceMs: START_MS,
  untilMs: undefined,
  all,
});

describe('what keeps a switch from beginning', () => {
  const rollout = { startAtMs: START_MS + 1e9, durationSeconds: 0, startFraction: 0 };
  const later: Published = { serial: 2, rollout };
  it.each<[string, Published, Partial<PlanInput>, Hold | undefined, string, readonly string[]]>([
    ['a rollout whose turn has not come', later, {}, undefined, 'wait phase', ['pull org/web:2']],
    ['a hold', { serial: 2 }, {}, hold(false), 'wait hold', ['pull org/web:2']],
    ['a hold of everything', { serial: 2 }, {}, hold(true), 'wait hold', []],
    [
      'an expired manifest',
      { serial: 2, expiresAtMs: START_MS },
      {},
      undefined,
      'blocked expired',
      ['pull org/web:2'],
    ],
    [
      'a manifest that is trusted no more',
      { serial: 2 },
      { distrust: { message: 'm', advice: 'a' } },
      undefined,
      'blocked trust',
      [],
    ],
  ])(
    '%s: images are fetched early, nothing that runs changes',
    async (_, published, more, held, told, steps) => {
      const s = await deployed();
      s.agent.wish = { compose: WEB, versions: web('2'), published, more };
      s.agent.ledger = { ...s.agent.ledger, hold: held };
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: told });
      expect(s.since()).toEqual(steps);
      expect(running(s)).toEqual(['web 1']);
    },
  );

  it('repairs drift while a phase, a hold or an expired manifest keeps the switch closed; a hold of everything stops that too', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { ...later, expiresAtMs: START_MS } };
    for (const [all, steps] of [
      [false, ['start web 1']],
      [true, []],
    ] as const) {
      s.agent.ledger = { ...s.agent.ledger, hold: hold(all) };
      await s.agent.settle();
      s.since();
      s.engine.byHand.stop(s.engine.actual().containers[0]?.name ?? '');
      await s.agent.settle();
      expect(s.since()).toEqual(steps);
    }
  });

  it('a phase tells until when it waits, and the switch begins then', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: later };
    const plan = await s.agent.settle();
    expect(plan.nextAtMs).toBe(rollout.startAtMs);
    s.engine.advance(rollout.startAtMs - s.engine.now());
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });
});
