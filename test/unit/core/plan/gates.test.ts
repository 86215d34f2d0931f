import { describe, expect, it } from 'vitest';
import type { PlanInput } from '../../../../src/core/plan/plan-input.ts';
import type { Hold } from '../../../../src/core/state/ledger.ts';
import { parseWindows } from '../../../../src/core/window/parse.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { START_MS, type Published } from '../../../support/world.ts';
import { deploy, deployed, images, running, scenario, web, WEB } from './scenario.ts';

/** The simulated clock begins at 1970-01-01T00:16:40Z, a Thursday. */
const OPENS_MS = Date.parse('1970-01-01T09:00:00Z');
const windowsOf = (text: string): PlanInput['windows'] => {
  const parsed = parseWindows(text);
  if (parsed.kind === 'windows') return parsed.windows;
  throw new Error(parsed.message);
};
const windows = windowsOf('daily 09:00+8h UTC');
const freeze = { reason: 'a canary failed' };

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
    ['a window that is closed', { serial: 2 }, { windows }, undefined, 'wait window', ['pull org/web:2']],
    ['a freeze', { serial: 2, freeze }, {}, undefined, 'wait freeze', ['pull org/web:2']],
    [
      'a freeze, and a window',
      { serial: 2, freeze },
      { windows },
      undefined,
      'wait freeze',
      ['pull org/web:2'],
    ],
    ['a window, and a rollout', later, { windows }, undefined, 'wait window', ['pull org/web:2']],
    ['a hold, and a window', { serial: 2 }, { windows }, hold(false), 'wait hold', ['pull org/web:2']],
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

describe('a window', () => {
  it('tells until when it is closed, and the switch begins then', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { serial: 2 }, more: { windows } };
    const plan = await s.agent.settle();
    expect(plan.services[0]?.decision).toMatchObject({
      until: OPENS_MS,
      message:
        'versions are switched only in the window daily 09:00+8h UTC, which opens at 1970-01-01T09:00:00Z',
    });
    expect(plan.nextAtMs).toBe(OPENS_MS);
    s.engine.advance(OPENS_MS - s.engine.now());
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });

  it('keeps the first release of a service waiting too', async () => {
    const s = scenario(WEB, images);
    s.agent.wish = { compose: WEB, versions: web('1'), published: { serial: 1 }, more: { windows } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'wait window' });
    expect(s.since()).toEqual(['pull org/web:1']);
  });

  it('keeps a version waiting that the compose file pins; a freeze of the publisher does not', async () => {
    const pinned = WEB.replace('image: org/web', 'image: org/web:2');
    const s = await deployed();
    s.agent.wish = {
      compose: pinned,
      versions: web('2'),
      published: { serial: 2, freeze },
      more: { windows },
    };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'wait window' });
    s.agent.wish = { ...s.agent.wish, more: {} };
    await s.agent.settle();
    expect(running(s)).toEqual(['web 2']);
  });
});

describe.each([
  ['a closed window', {}, { windows }],
  ['a freeze', { freeze }, {}],
])('%s does not delay', (_what, published, more) => {
  it('a repair', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, published: { ...s.agent.wish.published, ...published }, more };
    s.engine.byHand.remove(s.engine.actual().containers[0]?.name ?? '');
    await s.agent.settle();
    expect(running(s)).toEqual(['web 1']);
  });

  it('what has begun', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('stop web 1')) await s.agent.tick();
    s.agent.wish = { ...s.agent.wish, published: { serial: 3, ...published }, more };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });

  it('a rollback', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('9'), published: { serial: 2 } };
    while (!s.agent.steps.includes('stop web 1')) await s.agent.tick();
    s.agent.wish = { ...s.agent.wish, published: { serial: 3, ...published }, more };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'rolled-back 9 → 1' });
    expect(running(s)).toEqual(['web 1']);
  });
});

describe('a freeze', () => {
  it('says who stopped it and why, has no end of its own, and ends with the next publish', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { serial: 2, freeze } };
    const plan = await s.agent.settle();
    expect(plan.services[0]?.decision).toMatchObject({
      until: undefined,
      message: 'frozen by manifest 2: a canary failed; the next publish without a freeze goes on',
    });
    expect(plan.nextAtMs).toBeUndefined();
    s.agent.wish = { ...s.agent.wish, published: {} };
    await deploy(s, web('2'), 3);
    expect(running(s)).toEqual(['web 2']);
  });
});
