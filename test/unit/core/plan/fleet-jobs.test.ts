import { describe, expect, it } from 'vitest';
import { explain } from '../../../../src/core/plan/explain-service.ts';
import type { HostPlan } from '../../../../src/core/plan/host-plan.ts';
import type { PlanInput } from '../../../../src/core/plan/plan-input.ts';
import { withDoneJobs } from '../../../../src/core/state/fleet-jobs.ts';
import type { Heard } from '../../../../src/core/turns/turn-view.ts';
import type { JobWord } from '../../../../src/core/turns/turn-request.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { digestOf, releaseOf, START_MS } from '../../../support/world.ts';
import { deploy, images, running, scenario, type Scenario } from './scenario.ts';

const COMPOSE = `
services:
  migrate: {image: org/job, restart: "no", command: [up], x-supercargo: {once: fleet}}
  web:
    image: org/web
    restart: always
    depends_on: {migrate: {condition: service_completed_successfully}}
`;
const withJobs = {
  ...images,
  'org/job:1': { exits: 0 },
  'org/job:2': { exits: 0 },
  'org/job:9': { exits: 1 },
} as const;

const NONE: Partial<PlanInput> = { turns: { heard: {} } };

type Versions = Readonly<Record<string, string>>;
const all = (n: string, job = n): Versions => ({ migrate: `org/job:${job}`, web: `org/web:${n}` });

const asked = (heard: Readonly<Record<string, Heard>>): Partial<PlanInput> => ({ turns: { heard } });
const granted = (service: string, versions: Versions, compose = COMPOSE): Heard => ({
  kind: 'granted',
  release: releaseOf(compose, service, versions).id,
  attempt: 0,
});
const refused = (message: string, versions: Versions): Heard => ({
  ...granted('migrate', versions),
  kind: 'refused',
  reason: 'turn',
  message,
});
const both = (versions: Versions): Partial<PlanInput> =>
  asked({ migrate: granted('migrate', versions), web: granted('web', versions) });

const job = (version: string, attempt = 0): JobWord => ({
  service: 'migrate',
  digest: digestOf(`org/job:${version}`),
  attempt,
});

/** The store says, or a backup of the ledger knows, that these jobs are done. */
const know = ({ agent }: Scenario, ...jobs: readonly JobWord[]): void => {
  agent.ledger = withDoneJobs(agent.ledger, jobs, START_MS);
};
const known = ({ agent }: Scenario): readonly JobWord[] =>
  (agent.ledger.fleetJobs ?? []).map(({ service, digest, attempt }) => ({ service, digest, attempt }));

const wish = async (
  s: Scenario,
  versions: Versions,
  more: Partial<PlanInput> = NONE,
  compose = COMPOSE,
): Promise<HostPlan> => {
  const serial = (s.agent.wish.published?.serial ?? 0) + 1;
  s.agent.wish = { compose, versions, published: { serial }, more };
  return s.agent.settle();
};

const hear = async (s: Scenario, more: Partial<PlanInput>): Promise<HostPlan> => {
  s.agent.wish = { ...s.agent.wish, more };
  return s.agent.settle();
};

/** Version 1 runs, and the fleet has done its job. */
const serving = async (): Promise<Scenario> => {
  const s = scenario(COMPOSE, withJobs);
  know(s, job('1'));
  await wish(s, all('1'), both(all('1')));
  s.since();
  return s;
};

const starts = (s: Scenario): readonly string[] => s.since().filter((step) => step.startsWith('start '));
const stops = (s: Scenario): readonly string[] => s.agent.steps.filter((step) => step.startsWith('stop '));
const decisionOf = (plan: HostPlan, service: string): unknown =>
  plan.services.find((p) => p.service === service)?.decision;
const switchingOf = (plan: HostPlan, service: string): unknown =>
  plan.services.find((p) => p.service === service)?.switching;

describe('a job that runs once in the fleet', () => {
  it('asks alone, before any turn, and names what waits for it', async () => {
    const s = await serving();
    const plan = await wish(s, all('2'));
    expect(outcomesOf(plan)).toEqual({ migrate: 'wait turn', web: 'wait dependency' });
    expect(plan.services.flatMap((p) => p.wish ?? [])).toEqual([
      {
        service: 'migrate',
        entry: 'migrate',
        release: releaseOf(COMPOSE, 'migrate', all('2')).id,
        digest: digestOf('org/job:2'),
        attempt: 0,
        kind: 'job',
        serves: false,
        dependents: ['web'],
      },
    ]);
    expect(starts(s)).toEqual([]);
  });

  it('runs with a grant; then what waits for it asks for its own turn', async () => {
    const s = await serving();
    await wish(s, all('2'), asked({ migrate: granted('migrate', all('2')) }));
    expect(starts(s)).toEqual(['start migrate 2']);
    expect(known(s)).toEqual([job('1'), job('2')]);
    const plan = await hear(s, NONE);
    expect(outcomesOf(plan)).toEqual({ migrate: 'converged', web: 'wait turn' });
    expect(plan.services.flatMap((p) => p.wish ?? [])).toMatchObject([{ service: 'web', kind: 'version' }]);
    await hear(s, both(all('2')));
    expect(running(s)).toEqual(['web 2']);
  });

  it('does not run where another host has it, and says which one', async () => {
    const s = await serving();
    const plan = await wish(
      s,
      all('2'),
      asked({ migrate: refused('migrate runs on web-1 for the fleet', all('2')) }),
    );
    expect(starts(s)).toEqual([]);
    expect(decisionOf(plan, 'web')).toMatchObject({
      kind: 'wait',
      message: 'waits until migrate is completed: migrate runs on web-1 for the fleet',
    });
  });

  it('is done where the store says so: nothing runs, and what waits for it goes on', async () => {
    const s = await serving();
    know(s, job('2'));
    const plan = await wish(s, all('2'), both(all('2')));
    expect(starts(s)).toEqual(['start web 2']);
    expect(decisionOf(plan, 'migrate')).toEqual({
      kind: 'converged',
      message: 'version 2 ran once in the fleet',
    });
    expect(switchingOf(plan, 'migrate')).toMatchObject({ state: 'good', kind: 'job' });
    const explained = explain(await s.agent.observe()).find((e) => e.service === 'migrate');
    expect(explained?.differences).toEqual([]);
  });

  it.each([
    ['another command', COMPOSE.replace('[up]', '[up, now]')],
    [
      'another service that waits for it',
      `${COMPOSE}  api:
    image: org/api
    restart: always
    depends_on: {migrate: {condition: service_completed_successfully}}
`,
    ],
  ])('does not run again for %s', async (_what, compose) => {
    const s = await serving();
    await wish(s, all('2'), both(all('2')));
    starts(s);
    const versions = { ...all('2'), api: 'org/api:1' };
    await wish(s, versions, asked({ migrate: granted('migrate', versions, compose) }), compose);
    expect(starts(s)).toEqual([]);
    expect(decisionOf(await s.agent.plan(), 'migrate')).toEqual({ kind: 'converged' });
  });

  it('never runs for a way back', async () => {
    const s = await serving();
    await wish(s, all('2'), both(all('2')));
    starts(s);
    const plan = await wish(s, all('1'), both(all('1')));
    expect(starts(s)).toEqual(['start web 1']);
    expect(outcomesOf(plan)).toEqual({ migrate: 'converged', web: 'converged' });
  });

  it('runs again with the next attempt', async () => {
    const s = await serving();
    know(s, job('2'));
    const attempts = { migrate: 1 };
    s.agent.wish = { compose: COMPOSE, versions: all('2'), published: { serial: 9, attempts }, more: NONE };
    const asking = await s.agent.settle();
    expect(asking.services.flatMap((p) => p.wish ?? [])).toMatchObject([{ service: 'migrate', attempt: 1 }]);
    const release = asking.services.flatMap((p) => p.wish ?? [])[0]?.release ?? '';
    await hear(s, asked({ migrate: { kind: 'granted', release, attempt: 1 } }));
    expect(starts(s)).toEqual(['start migrate 2']);
    expect(known(s)).toContainEqual(job('2', 1));
  });

  it('that fails is quarantined; nothing that waits for it was tried, and all go on once another host did it', async () => {
    const s = await serving();
    const plan = await wish(s, all('2', '9'), asked({ migrate: granted('migrate', all('2', '9')) }));
    expect(switchingOf(plan, 'migrate')).toMatchObject({ state: 'failed' });
    expect(switchingOf(plan, 'web')).toMatchObject({ state: 'none' });
    expect(outcomesOf(plan)).toMatchObject({ web: 'blocked dependency' });
    know(s, job('9'));
    const after = await hear(s, both(all('2', '9')));
    expect(outcomesOf(after)).toEqual({ migrate: 'converged', web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });

  /** Its job of version 2 runs. */
  const migrating = async (): Promise<Scenario> => {
    const s = scenario(COMPOSE, { ...withJobs, 'org/job:2': { exits: 0, afterMs: 5000 } });
    know(s, job('1'));
    await wish(s, all('1'), both(all('1')));
    s.agent.wish = {
      compose: COMPOSE,
      versions: all('2'),
      published: { serial: 9 },
      more: asked({ migrate: granted('migrate', all('2')) }),
    };
    for (let n = 0; n < 50 && !s.agent.steps.includes('start migrate 2'); n += 1) await s.agent.tick();
    return s;
  };
  it('finishes what has begun, although the turn is over, and another host has done it', async () => {
    const s = await migrating();
    know(s, job('2'));
    const meanwhile = await s.agent.tick();
    expect(outcomesOf(meanwhile)).toMatchObject({ migrate: 'wait health' });
    expect(outcomesOf(await hear(s, NONE))).toMatchObject({ migrate: 'converged' });
    expect(stops(s)).toEqual([]);
  });

  it('ends before the next version asks for it', async () => {
    const s = await migrating();
    s.agent.wish = { compose: COMPOSE, versions: all('1', '9'), published: { serial: 10 }, more: NONE };
    const meanwhile = await s.agent.tick();
    expect(decisionOf(meanwhile, 'migrate')).toMatchObject({
      kind: 'wait',
      message: 'its run of 2 ends first',
    });
    expect(meanwhile.services.flatMap((p) => p.wish ?? [])).toEqual([]);
    const after = await s.agent.settle();
    expect(stops(s)).toEqual([]);
    expect(after.services.flatMap((p) => p.wish ?? [])).toMatchObject([{ digest: digestOf('org/job:9') }]);
  });

  it('asks again after a ledger was restored, and does not run where it is done', async () => {
    const s = await serving();
    const backup = s.agent.ledger;
    await wish(s, all('2'), both(all('2')));
    starts(s);
    s.agent.ledger = { ...backup, containers: s.agent.ledger.containers ?? [] };
    for (const { name } of s.engine.actual().containers.filter((c) => c.owner?.service === 'migrate'))
      s.engine.byHand.remove(name);
    const plan = await hear(s, NONE);
    expect(plan.services.flatMap((p) => p.wish ?? [])).toMatchObject([{ service: 'migrate', kind: 'job' }]);
    know(s, job('2'));
    await hear(s, both(all('2')));
    expect(starts(s)).not.toContain('start migrate 2');
  });
});

describe('a job of the fleet waits', () => {
  it('without a pace, and never runs on every host by accident', async () => {
    const s = scenario(COMPOSE, withJobs);
    const plan = await deploy(s, all('1'));
    expect(decisionOf(plan, 'migrate')).toMatchObject({
      kind: 'wait',
      reason: 'turn',
      message:
        'migrate runs once in the fleet, and needs a pace: supercargo pace test --max-parallel 1, or SUPERCARGO_TURNS=always',
    });
    expect(starts(s)).toEqual([]);
  });

  it('without a digest in the manifest', async () => {
    const s = scenario(COMPOSE, withJobs);
    s.agent.wish = { compose: COMPOSE, versions: all('1'), published: { tagsOnly: true }, more: NONE };
    const plan = await s.agent.settle();
    expect(decisionOf(plan, 'migrate')).toMatchObject({ kind: 'wait', reason: 'turn' });
    expect(plan.services.flatMap((p) => p.wish ?? [])).toEqual([]);
  });

  it('for ever while no store answers, also where it never ran', async () => {
    const s = scenario(COMPOSE, withJobs);
    const heard: Heard = {
      ...granted('migrate', all('1')),
      kind: 'unanswered',
      message: 'no answer',
      untilMs: 0,
    };
    const plan = await wish(s, all('1'), asked({ migrate: heard }));
    expect(outcomesOf(plan)).toEqual({ migrate: 'wait turn', web: 'wait dependency' });
  });

  it('until root says that it runs here, where no store answers', async () => {
    const s = scenario(COMPOSE, withJobs);
    s.agent.ledger = {
      ...s.agent.ledger,
      switchNow: { serial: 1, reason: 'the hub is gone', owner: 'ann', sinceMs: START_MS },
    };
    const told = asked({ migrate: refused('migrate runs on web-1 for the fleet', all('1')) });
    expect(outcomesOf(await wish(s, all('1'), told))).toMatchObject({ migrate: 'wait turn' });
    const untilMs = s.engine.now() + 60_000;
    const heard: Heard = {
      ...granted('migrate', all('1')),
      kind: 'unanswered',
      message: 'no answer',
      untilMs,
    };
    expect(outcomesOf(await hear(s, asked({ migrate: heard })))).toMatchObject({ migrate: 'wait turn' });
    s.engine.advance(60_000);
    expect(outcomesOf(await s.agent.settle())).toEqual({ migrate: 'converged', web: 'converged' });
  });

  it('while nothing that waits for it can begin', async () => {
    const blocked = COMPOSE.replace('restart: always\n', 'restart: always\n    pull_policy: never\n');
    const s = scenario(blocked, withJobs);
    const plan = await wish(s, all('1'), NONE, blocked);
    expect(plan.services.flatMap((p) => p.wish ?? [])).toEqual([]);
    expect(decisionOf(plan, 'migrate')).toMatchObject({ kind: 'wait', reason: 'dependency' });
  });
});
