import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { START_MS } from '../../../support/world.ts';
import { deploy, images, running, scenario } from './scenario.ts';

const needing = (condition: string): string => `
services:
  api: {image: org/api, restart: always, depends_on: {db: {condition: ${condition}}}}
  db: {image: org/db, restart: always}
`;

const versions = (db: string): Readonly<Record<string, string>> => ({
  api: 'org/api:1',
  db: `org/db:${db}`,
});

const starts = (steps: readonly string[]): readonly string[] =>
  steps.filter((step) => /^(start|quarantine)/.test(step));

/** Three services, all of one version. */
const all = (version: string): Readonly<Record<string, string>> =>
  Object.fromEntries(['a', 'b', 'c'].map((n) => [n, `org/db:${version}`]));

describe('dependencies', () => {
  const dbs = {
    ...images,
    'org/db:1': { health: 'healthy', afterMs: 2_000 },
    'org/db:2': { health: 'unhealthy' },
  } as const;

  it.each(['service_started', 'service_healthy'])(
    'a new release waits until what it needs is there: %s',
    async (condition) => {
      const s = scenario(needing(condition), dbs);
      expect(outcomesOf(await deploy(s, versions('1')))).toEqual({ db: 'converged', api: 'converged' });
      expect(s.since().filter((step) => /^(start|create) /.test(step))).toEqual([
        'create db 1',
        'start db 1',
        'create api 1',
        'start api 1',
      ]);
    },
  );

  it('says what that one waits for, and until when', async () => {
    const s = scenario(needing('service_healthy'), dbs);
    s.agent.wish = { ...s.agent.wish, versions: versions('1'), published: { serial: 1 } };
    const told = new Set<string>();
    for (let n = 0; n < 20; n += 1) {
      const { services } = await s.agent.tick();
      const decision = services.find((p) => p.service === 'api')?.decision;
      if (decision?.kind === 'wait' && decision.until !== undefined) told.add(decision.message);
    }
    expect([...told]).toEqual(['waits until db is healthy: its health check says starting']);
  });

  it('three in a row start one after the other, each at its new version', async () => {
    const compose = `
services:
  a: {image: org/db, restart: always, depends_on: [b]}
  b: {image: org/db, restart: always, depends_on: [c]}
  c: {image: org/db, restart: always}
`;
    const s = scenario(compose, { 'org/db:1': {}, 'org/db:3': {} });
    await deploy(s, all('1'));
    s.since();
    await deploy(s, all('3'));
    expect(s.since().filter((step) => step.startsWith('start'))).toEqual([
      'start c 3',
      'start b 3',
      'start a 3',
    ]);
  });

  it('is blocked while what it needs is bad, and is not blamed for it', async () => {
    const s = scenario(needing('service_healthy'), dbs);
    expect(outcomesOf(await deploy(s, versions('2')))).toEqual({
      db: 'blocked down',
      api: 'blocked dependency',
    });
    expect(s.agent.ledger.services['api']).toBeUndefined();
  });

  const JOB = `
services:
  api: {image: org/api, restart: always, depends_on: {migrate: {condition: service_completed_successfully}}}
  migrate: {image: "org/migrate:1"}
`;

  it('a job runs once for each release of those that wait for it', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 0, afterMs: 500 } });
    await deploy(s, { api: 'org/api:1' });
    expect(starts(s.since())).toEqual(['start migrate 1', 'start api 1']);
    await deploy(s, { api: 'org/api:1' });
    expect(starts(s.since())).toEqual([]);
    expect(outcomesOf(await deploy(s, { api: 'org/api:2' }))).toEqual({
      migrate: 'converged',
      api: 'converged',
    });
    expect(starts(s.since())).toEqual(['start migrate 1', 'start api 2']);
  });

  it('a job that fails quarantines the release that waits for it, which never started', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 1 } });
    expect(outcomesOf(await deploy(s, { api: 'org/api:1' }))).toEqual({
      migrate: 'blocked quarantined',
      api: 'blocked down',
    });
    expect(starts(s.since())).toEqual(['start migrate 1', 'quarantine 1 exited', 'quarantine 1 job-failed']);
  });

  it('a job that is repaired frees the release that waited for it', async () => {
    const compose = JOB.replace('org/migrate:1', 'org/migrate');
    const s = scenario(compose, {
      ...images,
      'org/migrate:1': { exits: 1 },
      'org/migrate:2': { exits: 0 },
    });
    await deploy(s, { api: 'org/api:1', migrate: 'org/migrate:1' });
    s.since();
    expect(outcomesOf(await deploy(s, { api: 'org/api:1', migrate: 'org/migrate:2' }))).toEqual({
      migrate: 'converged',
      api: 'converged',
    });
    expect(starts(s.since())).toEqual(['start migrate 2', 'start api 1']);
  });

  it.each([
    ['on-failure:5', 'exited: it ended, last exit code 1'],
    ['on-failure', 'crashed: it has not ended with 0 within 60 s: it crashed'],
  ])('a job with restart: %s has failed when it is tried no more', async (restart, says) => {
    const compose = JOB.replace('org/migrate:1"', `org/migrate:1", restart: "${restart}"`);
    const s = scenario(compose, { ...images, 'org/migrate:1': { exits: 1 } });
    expect(outcomesOf(await deploy(s, { api: 'org/api:1' }))).toEqual({
      migrate: 'blocked quarantined',
      api: 'blocked down',
    });
    const failure = s.agent.ledger.services['migrate']?.failure;
    expect(`${failure?.reason}: ${failure?.message}`).toContain(says);
    expect(running(s)).toEqual([]);
  });

  it('a job that hangs has failed at its deadline', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': {} });
    expect(outcomesOf(await deploy(s, { api: 'org/api:1' }))).toEqual({
      migrate: 'blocked quarantined',
      api: 'blocked down',
    });
  });

  it('a job that the host pins waits for the turn of the manifest that names its dependents', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 0 } });
    s.agent.wish = {
      compose: JOB,
      versions: { api: 'org/api:1' },
      published: { serial: 1, rollout: { startAtMs: START_MS + 1e9, durationSeconds: 0, startFraction: 0 } },
    };
    expect(outcomesOf(await s.agent.settle())).toEqual({ migrate: 'wait phase', api: 'wait phase' });
    expect(starts(s.since())).toEqual([]);
  });

  it('a job that goes down with the engine runs again', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 0, afterMs: 5_000 } });
    s.agent.wish = { compose: JOB, versions: { api: 'org/api:1' } };
    while (!s.agent.steps.includes('start migrate 1')) await s.agent.tick();
    s.engine.restartDaemon();
    expect(outcomesOf(await s.agent.settle())).toEqual({ migrate: 'converged', api: 'converged' });
    expect(starts(s.since())).toEqual(['start migrate 1', 'start migrate 1', 'start api 1']);
  });
});
