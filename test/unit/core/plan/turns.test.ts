import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dryRun } from '../../../../src/core/plan/dry-run.ts';
import type { HostPlan } from '../../../../src/core/plan/host-plan.ts';
import type { PlanInput } from '../../../../src/core/plan/plan-input.ts';
import type { Hold } from '../../../../src/core/state/ledger.ts';
import type { Heard } from '../../../../src/core/turns/turn-view.ts';
import { parseWindows } from '../../../../src/core/window/parse.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { digestOf, releaseOf, START_MS, type Published } from '../../../support/world.ts';
import { deploy, deployed, images, running, scenario, web, WEB, type Scenario } from './scenario.ts';

const NONE: Partial<PlanInput> = { turns: { heard: {} } };

const asked = (heard: Readonly<Record<string, Heard>>): Partial<PlanInput> => ({ turns: { heard } });

const grant = (compose: string, service: string, versions: Readonly<Record<string, string>>): Heard => ({
  kind: 'granted',
  release: releaseOf(compose, service, versions).id,
  attempt: 0,
});

const wishesOf = (plan: HostPlan): readonly object[] => plan.services.flatMap((s) => s.wish ?? []);

const turnsOf = (plan: HostPlan): object =>
  Object.fromEntries(plan.services.flatMap((s) => (s.turn ? [[s.service, s.turn.state]] : [])));

const wishFor = async (
  s: Scenario,
  compose: string,
  versions: Readonly<Record<string, string>>,
  more: Partial<PlanInput> = NONE,
): Promise<HostPlan> => {
  const serial = (s.agent.wish.published?.serial ?? 0) + 1;
  s.agent.wish = { compose, versions, published: { serial }, more };
  return s.agent.settle();
};

/** @throws if the step does not come. */
const until = async ({ agent }: Scenario, step: string): Promise<void> => {
  for (let n = 0; n < 200 && !agent.steps.includes(step); n += 1) await agent.tick();
  if (!agent.steps.includes(step)) throw new Error(`no ${step} among ${agent.steps.join(', ')}`);
};

const both = (n: string) => ({ web: `org/web:${n}`, api: `org/api:${n}` });

const all = (n: string) => ({ migrate: `org/job:${n}`, web: `org/web:${n}`, api: `org/api:${n}` });

const named = (n: string) => ({ one: `org/job:${n}`, web: `org/web:${n}`, api: `org/api:${n}` });

const statesOf = (plan: HostPlan): unknown => plan.services.map((p) => p.switching?.state);

const kindsOf = (plan: HostPlan): readonly unknown[] =>
  plan.services.map((s) => [s.wish?.kind, s.wish?.entry, s.switching?.kind]);

const unanswered = (version: string, untilMs: number): Partial<PlanInput> => {
  const { release, attempt } = grant(WEB, 'web', web(version));
  const message = 'the report store cannot be reached';
  return asked({ web: { kind: 'unanswered', release, attempt, message, untilMs } });
};

const windowsOf = (text: string): PlanInput['windows'] => {
  const parsed = parseWindows(text);
  if (parsed.kind === 'windows') return parsed.windows;
  throw new Error(parsed.message);
};
const windows = windowsOf('daily 09:00+8h UTC');
const hold: Hold = { reason: 'Friday', owner: 'ops', sinceMs: START_MS, untilMs: undefined, all: false };

describe('a switch that needs a turn', () => {
  it('fetches its image, then asks, and changes nothing that runs', async () => {
    const s = await deployed();
    const plan = await wishFor(s, WEB, web('2'));
    expect(outcomesOf(plan)).toEqual({ web: 'wait turn' });
    expect(s.since()).toEqual(['pull org/web:2']);
    expect(running(s)).toEqual(['web 1']);
    expect(wishesOf(plan)).toEqual([
      {
        service: 'web',
        entry: 'web',
        release: releaseOf(WEB, 'web', web('2')).id,
        digest: digestOf('org/web:2'),
        attempt: 0,
        kind: 'version',
        serves: true,
      },
    ]);
  });

  it('does not ask while its image is missing', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { serial: 2 }, more: NONE };
    const plan = await s.agent.plan();
    expect(outcomesOf(plan)).toEqual({ web: 'wait image' });
    expect(wishesOf(plan)).toEqual([]);
  });

  it('begins once it is granted, and needs no turn after it has begun', async () => {
    const s = await deployed();
    await wishFor(s, WEB, web('2'));
    s.agent.wish = { ...s.agent.wish, more: asked({ web: grant(WEB, 'web', web('2')) }) };
    const plan = await s.agent.plan();
    expect(turnsOf(plan)).toEqual({ web: 'granted' });
    await until(s, 'create web 2 unarmed');
    s.agent.wish = { ...s.agent.wish, more: NONE };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });

  it.each<[string, Partial<Extract<Heard, { kind: 'granted' }>>]>([
    ['another release', { release: 'f'.repeat(64) }],
    ['another attempt', { attempt: 1 }],
  ])('asks although it has a turn for %s', async (_what, other) => {
    const s = await deployed();
    const granted = { ...grant(WEB, 'web', web('2')), ...other } as Heard;
    const plan = await wishFor(s, WEB, web('2'), asked({ web: granted }));
    expect(outcomesOf(plan)).toEqual({ web: 'wait turn' });
    expect(wishesOf(plan)).toHaveLength(1);
  });

  it.each(['turn', 'halted'] as const)('waits with what the store said: %s', async (reason) => {
    const s = await deployed();
    const { release, attempt } = grant(WEB, 'web', web('2'));
    const heard: Heard = {
      kind: 'refused',
      release,
      attempt,
      reason,
      message: 'the one place of web is taken: web-7 (switching)',
    };
    const plan = await wishFor(s, WEB, web('2'), asked({ web: heard }));
    expect(plan.services[0]?.decision).toMatchObject({ kind: 'wait', reason, message: heard.message });
    expect(wishesOf(plan)).toHaveLength(1);
  });

  it('begins without one after switch-now, for that manifest only', async () => {
    const s = await deployed();
    s.agent.ledger = {
      ...s.agent.ledger,
      switchNow: { serial: 2, reason: 'the hub is gone', owner: 'ann', sinceMs: START_MS },
    };
    expect(outcomesOf(await wishFor(s, WEB, web('2')))).toEqual({ web: 'converged' });
    expect(outcomesOf(await wishFor(s, WEB, web('1')))).toEqual({ web: 'wait turn' });
  });

  it('ends a dry run, which fetches the image and says that a turn is needed', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { serial: 2 }, more: NONE };
    const { steps, end } = dryRun(await s.agent.observe());
    expect(steps.map(({ action }) => action.kind)).toEqual(['pull']);
    expect(end.services[0]?.decision).toMatchObject({
      reason: 'turn',
      message: 'has asked the report store for a turn, which answers once a place is free, or after 25 s',
    });
  });

  it('does not exist without a pace', async () => {
    const s = await deployed();
    const plan = await wishFor(s, WEB, web('2'), {});
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
  });
});

describe('a turn is asked for last', () => {
  const rollout = { startAtMs: START_MS + 1e9, durationSeconds: 0, startFraction: 0 };
  const freeze = { reason: 'a canary failed' };
  it.each<[string, Published, Partial<PlanInput>, Hold | undefined, string]>([
    ['a window', {}, { windows }, undefined, 'wait window'],
    ['a hold', {}, {}, hold, 'wait hold'],
    ['a freeze', { freeze }, {}, undefined, 'wait freeze'],
    ['a phase', { rollout }, {}, undefined, 'wait phase'],
    ['an expired manifest', { expiresAtMs: START_MS }, {}, undefined, 'blocked expired'],
    ['all of them', { rollout, freeze, expiresAtMs: START_MS }, { windows }, hold, 'wait hold'],
  ])('after %s', async (_what, published, more, held, told) => {
    const s = await deployed();
    s.agent.wish = {
      compose: WEB,
      versions: web('2'),
      published: { serial: 2, ...published },
      more: { ...NONE, ...more },
    };
    s.agent.ledger = { ...s.agent.ledger, hold: held };
    const plan = await s.agent.settle();
    expect(outcomesOf(plan)).toEqual({ web: told });
    expect(wishesOf(plan)).toEqual([]);
    expect(turnsOf(plan)).toEqual({});
  });

  it('after a drain of the host', async () => {
    const s = await deployed();
    s.agent.ledger = {
      ...s.agent.ledger,
      drain: { reason: 'kernel', owner: 'ann', sinceMs: START_MS, untilMs: undefined },
    };
    expect(wishesOf(await wishFor(s, WEB, web('2')))).toEqual([]);
  });

  it('after what a service depends on, which may switch first', async () => {
    const compose = `
services:
  web: {image: org/web, restart: always}
  api: {image: org/api, restart: always, depends_on: {web: {condition: service_started}}}
`;
    const s = await deployed(compose, both('1'));
    const plan = await wishFor(s, compose, both('2'));
    expect(outcomesOf(plan)).toEqual({ web: 'wait turn', api: 'wait dependency' });
    expect(wishesOf(plan)).toMatchObject([{ service: 'web' }]);
    s.agent.wish = { ...s.agent.wish, more: asked({ web: grant(compose, 'web', both('2')) }) };
    const next = await s.agent.settle();
    expect(outcomesOf(next)).toEqual({ web: 'converged', api: 'wait turn' });
    expect(wishesOf(next)).toMatchObject([{ service: 'api' }]);
  });
});

describe('no turn is needed', () => {
  it('for a repair', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, more: NONE };
    s.engine.byHand.remove(s.engine.actual().containers[0]?.name ?? '');
    await s.agent.settle();
    expect(running(s)).toEqual(['web 1']);
  });

  it('for a rollback', async () => {
    const s = await deployed();
    await wishFor(s, WEB, web('9'));
    s.agent.wish = { ...s.agent.wish, more: asked({ web: grant(WEB, 'web', web('9')) }) };
    await until(s, 'stop web 1');
    s.agent.wish = { ...s.agent.wish, more: NONE };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'rolled-back 9 → 1' });
    expect(running(s)).toEqual(['web 1']);
  });

  it('for the removal of a service', async () => {
    const two = `${WEB}  api: {image: org/api, restart: always}\n`;
    const s = await deployed(two, { ...web('1'), api: 'org/api:1' });
    const plan = await wishFor(s, WEB, web('1'));
    expect(outcomesOf(plan)).toMatchObject({ web: 'converged' });
    expect(running(s)).toEqual(['web 1']);
  });
});

describe('the kind of a switch', () => {
  it('is first where it never ran', async () => {
    const s = scenario(WEB, images);
    expect(kindsOf(await wishFor(s, WEB, web('1')))).toEqual([['first', 'web', 'first']]);
  });

  it('is version where it takes over a foreign container', async () => {
    const replacing = WEB.replace('restart: always', 'restart: always\n    x-supercargo: {replaces: old}');
    const s = scenario(replacing, images);
    s.engine.registry.push('org/old:1', {});
    s.engine.byHand.run({ name: 'old', image: 'org/old:1' });
    expect(kindsOf(await wishFor(s, replacing, web('1')))).toEqual([['version', 'web', 'version']]);
  });

  it('is files with other settings of the same image', async () => {
    const s = await deployed();
    const changed = WEB.replace('restart: always', 'restart: always\n    environment: {A: b}');
    expect(kindsOf(await wishFor(s, changed, web('1')))).toEqual([['files', 'web', 'files']]);
  });

  it('is version with another image and other settings', async () => {
    const s = await deployed();
    const changed = WEB.replace('restart: always', 'restart: always\n    environment: {A: b}');
    expect(kindsOf(await wishFor(s, changed, web('2')))).toEqual([['version', 'web', 'version']]);
  });

  it('is files where the host pins the image, without an entry', async () => {
    const s = await deployed();
    const pinned = WEB.replace('image: org/web', 'image: org/web:2');
    expect(kindsOf(await wishFor(s, pinned, web('1')))).toEqual([['files', null, 'files']]);
  });

  it('has the entry that gives its version', async () => {
    const compose = `
services:
  web: {image: org/web, restart: always}
  worker: {image: org/web, restart: always, x-supercargo: {version-from: web}}
`;
    const s = await deployed(compose);
    const plan = await wishFor(s, compose, web('2'));
    expect(wishesOf(plan)).toMatchObject([
      { service: 'web', entry: 'web' },
      { service: 'worker', entry: 'web' },
    ]);
  });
});

describe('a store that does not answer', () => {
  it('keeps a switch waiting for ever, and names the way out', async () => {
    const s = await deployed();
    const plan = await wishFor(s, WEB, web('2'), unanswered('2', 0));
    expect(plan.services[0]?.decision).toEqual({
      kind: 'wait',
      reason: 'turn',
      message:
        'the report store cannot be reached; root can begin without a turn: supercargo switch-now --reason R',
      until: undefined,
    });
  });

  it('delays the first release of a service only for a time', async () => {
    const s = scenario(WEB, images);
    const untilMs = START_MS + 60_000;
    const plan = await wishFor(s, WEB, web('1'), unanswered('1', untilMs));
    expect(plan.services[0]?.decision).toMatchObject({ kind: 'wait', reason: 'turn', until: untilMs });
    expect(plan.nextAtMs).toBe(untilMs);
    s.engine.advance(untilMs - s.engine.now());
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('is the cause where nothing serves any more', async () => {
    const s = await deployed();
    await wishFor(s, WEB, web('2'));
    s.engine.byHand.remove(s.engine.actual().containers[0]?.name ?? '');
    s.agent.ledger = { ...s.agent.ledger, hold: { ...hold, all: true } };
    const plan = await s.agent.settle();
    expect(plan.services[0]?.decision).toMatchObject({ kind: 'blocked', reason: 'down' });
  });
});

describe('jobs', () => {
  const compose = `
services:
  migrate: {image: org/job, restart: "no"}
  web:
    image: org/web
    restart: always
    depends_on: {migrate: {condition: service_completed_successfully}}
  api:
    image: org/api
    restart: always
    depends_on: {migrate: {condition: service_completed_successfully}}
  worker:
    image: org/web
    restart: always
    x-supercargo: {version-from: web}
    depends_on:
      migrate: {condition: service_completed_successfully}
      web: {condition: service_started}
`;
  const jobs = { ...images, 'org/job:1': { exits: 0 }, 'org/job:2': { exits: 0 } } as const;
  const deployedJobs = async (): Promise<Scenario> => {
    const s = scenario(compose, jobs);
    await deploy(s, all('1'));
    s.since();
    return s;
  };
  const granted = (...services: readonly string[]): Partial<PlanInput> =>
    asked(Object.fromEntries(services.map((name) => [name, grant(compose, name, all('2'))])));

  it('wait until every service that is about to switch has its turn; these ask as one group', async () => {
    const s = await deployedJobs();
    const plan = await wishFor(s, compose, all('2'));
    expect(outcomesOf(plan)).toEqual({
      migrate: 'wait turn',
      web: 'wait turn',
      api: 'wait turn',
      worker: 'wait turn',
    });
    expect(wishesOf(plan)).toMatchObject([
      { service: 'api', group: 'migrate' },
      { service: 'web', group: 'migrate' },
      { service: 'worker', group: 'migrate' },
    ]);
    expect(plan.services.find((p) => p.service === 'migrate')?.decision).toMatchObject({
      message: 'runs once api and web and worker may begin',
    });
    s.since();
    s.agent.wish = { ...s.agent.wish, more: granted('web', 'api') };
    await s.agent.settle();
    expect(s.since()).toEqual([]);
    s.agent.wish = { ...s.agent.wish, more: granted('web', 'api', 'worker') };
    expect(outcomesOf(await s.agent.settle())).toEqual({
      migrate: 'converged',
      web: 'converged',
      api: 'converged',
      worker: 'converged',
    });
    expect(s.since().filter((step) => step.startsWith('start '))).toEqual([
      'start migrate 2',
      'start api 2',
      'start web 2',
      'start worker 2',
    ]);
  });

  it('run within the turn: once one has begun, the switch of its services has', async () => {
    const s = await deployedJobs();
    await wishFor(s, compose, all('2'));
    const before = await s.agent.plan();
    expect(before.services.map((p) => p.switching?.state)).toEqual(['none', 'none', 'none', 'none']);
    s.agent.wish = { ...s.agent.wish, more: granted('web', 'api', 'worker') };
    await until(s, 'create migrate 2 unarmed');
    const begun = await s.agent.plan();
    expect(begun.services.map((p) => p.switching?.state)).toEqual(['begun', 'begun', 'begun', 'begun']);
  });

  it('begin by no turn but all of theirs, in whatever order turns come and go', async () => {
    const turns = fc.array(fc.subarray(['web', 'api', 'worker']), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(turns, async (rounds) => {
        const s = await deployedJobs();
        await wishFor(s, compose, all('2'));
        for (const round of rounds) {
          const before = s.agent.steps.length;
          s.agent.wish = { ...s.agent.wish, more: granted(...round) };
          await s.agent.tick();
          const begun = s.agent.steps
            .slice(before)
            .flatMap((step) => /^create (\w+) 2/.exec(step)?.[1] ?? []);
          const allowed = round.length === 3 ? [...round, 'migrate'] : round;
          expect(begun.filter((service) => !allowed.includes(service))).toEqual([]);
        }
        s.agent.wish = { ...s.agent.wish, more: granted('web', 'api', 'worker') };
        expect(Object.values(outcomesOf(await s.agent.settle()))).toEqual(Array(4).fill('converged'));
      }),
      { numRuns: 30 },
    );
  });

  it('ask for themselves where no service is about to switch', async () => {
    const s = await deployedJobs();
    const plan = await wishFor(s, compose, { ...all('1'), migrate: 'org/job:2' });
    expect(wishesOf(plan)).toMatchObject([{ service: 'migrate', kind: 'version', serves: false }]);
  });

  it('join the services that wait for either of them', async () => {
    const two = `
services:
  one: {image: org/job, restart: "no"}
  two: {image: org/job, restart: "no", x-supercargo: {version-from: one}}
  web: {image: org/web, restart: always, depends_on: {one: {condition: service_completed_successfully}}}
  api:
    image: org/api
    restart: always
    depends_on:
      one: {condition: service_completed_successfully}
      two: {condition: service_completed_successfully}
  other: {image: org/web, restart: always, x-supercargo: {version-from: web}}
`;
    const s = scenario(two, jobs);
    await deploy(s, named('1'));
    const plan = await wishFor(s, two, named('2'));
    expect(plan.services.flatMap((p) => (p.wish ? [[p.service, p.wish.group]] : []))).toEqual([
      ['api', 'one'],
      ['other', undefined],
      ['web', 'one'],
    ]);
  });
});

describe('what a host says of its switch', () => {
  it('none, begun, good', async () => {
    const s = await deployed();
    expect(statesOf(await s.agent.plan())).toEqual(['good']);
    expect(statesOf(await wishFor(s, WEB, web('2')))).toEqual(['none']);
    s.agent.wish = { ...s.agent.wish, more: asked({ web: grant(WEB, 'web', web('2')) }) };
    await until(s, 'create web 2 unarmed');
    expect(statesOf(await s.agent.plan())).toEqual(['begun']);
    expect(statesOf(await s.agent.settle())).toEqual(['good']);
  });

  it('failed with this attempt, and none with the next', async () => {
    const s = await deployed();
    await wishFor(s, WEB, web('9'), {});
    expect(statesOf(await s.agent.settle())).toEqual(['failed']);
    s.agent.wish = {
      compose: WEB,
      versions: web('9'),
      published: { serial: 3, attempts: { web: 1 } },
      more: NONE,
    };
    const plan = await s.agent.settle();
    expect(statesOf(plan)).toEqual(['none']);
    expect(wishesOf(plan)).toMatchObject([{ service: 'web', attempt: 1 }]);
  });

  it('unsettled while a container of a release that was overtaken is here', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { serial: 2 } };
    await until(s, 'start web 2');
    const plan = await (async () => {
      s.agent.wish = { compose: WEB, versions: web('1'), published: { serial: 3 }, more: NONE };
      return s.agent.plan();
    })();
    expect(plan.services[0]?.switching).toMatchObject({ state: 'good', unsettled: true, hasServed: true });
    expect((await s.agent.settle()).services[0]?.switching).toMatchObject({ unsettled: false });
  });

  it('says nothing of a service without a version', async () => {
    const s = scenario(WEB, images);
    const plan = await s.agent.plan();
    expect(plan.services[0]?.switching).toBeUndefined();
  });
});
