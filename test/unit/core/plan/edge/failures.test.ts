import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../../support/simulated-agent.ts';
import { deploy, running, web } from '../scenario.ts';
import { deployed, rotation, startFirst } from './scenes.ts';

const BAKED = (version: string): readonly string[] => [
  `edge-add web ${version}`,
  `edge-ready web ${version}`,
  'edge-drain web 1',
  'drain web 1',
  `edge-write web:8888=web 1, web:8888=web ${version}`,
  `edge-write web:8888=web ${version}`,
];
const BACK = (version: string): readonly string[] => [
  'edge-ready web 1',
  'drain ends web 1',
  `edge-drain web ${version}`,
];

describe('a release with a slow health check', () => {
  it.each(['start-first', 'stop-first'])('is given the time that its check needs, with %s', async (order) => {
    const compose = startFirst({ order }).replace(
      'restart: always',
      'restart: always\n    healthcheck: {test: x, start_period: 2m, interval: 1s}',
    );
    const s = await deployed(compose);
    expect(outcomesOf(await deploy(s, web('late')))).toEqual({ web: 'converged' });
    expect(running(s)).toContain('web late');
  });
});

describe('a bad release with start-first', () => {
  it.each([
    ['crashing', 'crashed'],
    ['unhealthy', 'unhealthy'],
  ])('that is %s never gets a request', async (version, reason) => {
    const s = await deployed();
    const plan = await deploy(s, web(version));
    expect(s.since()).toEqual([
      `pull org/web:${version}`,
      `create web ${version}`,
      `start web ${version}`,
      `quarantine ${version} ${reason}`,
      `drain web ${version}`,
      `disarm web ${version}`,
      `stop web ${version}`,
      `remove web ${version}`,
    ]);
    expect(outcomesOf(plan)).toEqual({ web: `rolled-back ${version} → 1` });
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready [web 1]']);
  });

  it.each([
    ['dies', 'crashed'],
    ['sickens', 'unhealthy'],
  ])(
    'that %s while it bakes gives way to the old one in the step that condemns it',
    async (version, reason) => {
      const s = await deployed();
      const plan = await deploy(s, web(version));
      expect(s.since()).toEqual([
        `pull org/web:${version}`,
        `create web ${version}`,
        `start web ${version}`,
        ...BAKED(version),
        `quarantine ${version} ${reason}`,
        ...BACK(version),
        `drain web ${version}`,
        'edge-write web:8888=web 1',
        `edge-remove web ${version}`,
        `disarm web ${version}`,
        `stop web ${version}`,
        `remove web ${version}`,
      ]);
      expect(outcomesOf(plan)).toEqual({ web: `rolled-back ${version} → 1` });
      expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready [web 1]']);
    },
  );

  it.each(['stop', 'remove'] as const)(
    'is none where somebody takes it away while it bakes (docker %s): it comes back',
    async (how) => {
      const s = await deployed();
      s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
      while (!s.agent.steps.includes('drain web 1')) await s.agent.tick();
      const candidate = s.engine.actual().containers.find((c) => c.owner?.version === '2');
      s.engine.byHand.stop(candidate?.name ?? '');
      await s.agent.tick();
      if (how === 'remove') s.engine.byHand.remove(candidate?.name ?? '');
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
      expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
    },
  );

  it('is not tried again, and the next one gets its try at once', async () => {
    const s = await deployed();
    await deploy(s, web('dies'));
    s.since();
    expect(outcomesOf(await deploy(s, web('dies')))).toEqual({ web: 'rolled-back dies → 1' });
    expect(s.since()).toEqual([]);
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });

  it('is tried again when its attempt is raised', async () => {
    const s = await deployed();
    await deploy(s, web('dies'));
    s.since();
    s.agent.wish = { ...s.agent.wish, published: { serial: 9, attempts: { web: 1 } } };
    await s.agent.settle();
    expect(s.since()).toContain('start web dies');
  });

  it('stays for a look with failure_action pause, without requests; the old one serves, and its next drain begins anew', async () => {
    const s = await deployed(startFirst({ update: 'failure_action: pause' }));
    expect(outcomesOf(await deploy(s, web('dies')))).toEqual({ web: 'blocked quarantined' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready, web:8888 web dies drain [web 1]']);
    expect(Object.keys(s.agent.ledger.services['web']?.drains ?? {})).toEqual([]);
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });

  it('that is given up while it bakes leaves the service to the last good one', async () => {
    const s = await deployed(startFirst({ update: 'parallelism: 0' }));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('drain web 1')) await s.agent.tick();
    s.since();
    expect(outcomesOf(await deploy(s, web('3'), 3))).toEqual({ web: 'converged' });
    const steps = s.since().filter((step) => /^(edge-(ready|drain)|drain|stop|remember)/.test(step));
    expect(steps).toEqual([
      'edge-ready web 1',
      'drain ends web 1',
      'edge-drain web 2',
      'drain web 2',
      'edge-ready web 3',
      'edge-drain web 1',
      'drain web 1',
      'remember web 3',
      'stop web 1',
      'stop web 2',
    ]);
    expect(running(s)).toContain('web 3');
  });
});
