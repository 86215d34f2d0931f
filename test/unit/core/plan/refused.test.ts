import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { facts } from '../../../support/world.ts';
import { deploy, deployed, images, running, scenario, web, WEB, type Scenario } from './scenario.ts';

const HOURS = 36_000_000;

const refused = (): AgentError =>
  new AgentError('ENGINE', 'cannot create web: unknown capability: "CAP_NOSUCH"', {
    retry: 'changed',
    advice: 'the engine refuses this setting: correct the compose file',
  });

/** Every container of this version is refused, as long as the host lives. */
const refuse = ({ engine }: Scenario, kind: 'create' | 'start', error = refused()): void =>
  engine.fail({ kind, error, times: 1_000 });

const later = async (s: Scenario): Promise<Readonly<Record<string, string>>> => {
  s.engine.advance(HOURS);
  return outcomesOf(await s.agent.settle());
};

const starts = (s: Scenario): readonly string[] => s.since().filter((step) => step.startsWith('start '));

describe('a release with a setting that the engine would drop', () => {
  const withSubpath = `${WEB}    volumes: [{type: volume, source: v, target: /v, volume: {subpath: s}}]
volumes: {v: }
`;

  it('is blocked before its image is fetched, and what runs goes on', async () => {
    const s = await deployed();
    s.engine.setFacts({ ...facts, version: '20.10.24', apiVersion: '1.41' });
    s.agent.wish = { ...s.agent.wish, compose: withSubpath };
    const plan = await deploy(s, web('2'));
    expect(plan.services[0]?.decision).toEqual({
      kind: 'blocked',
      reason: 'engine',
      message: 'volume.subpath needs Docker 26.0 or newer, and this engine is 20.10.24',
      advice: 'upgrade the engine, or mount the whole volume',
    });
    expect([s.since(), running(s)]).toEqual([[], ['web 1']]);
  });

  const needsMig = 'depends_on: {mig: {condition: service_completed_successfully}}';
  const withJob = withSubpath
    .replace(
      'services:',
      `services:
  mig: {image: org/mig, ${needsMig.replace('mig', 'seed')}}
  seed: {image: "org/seed:1"}`,
    )
    .replace('    volumes:', `    ${needsMig}\n    volumes:`);
  const withApi = withJob.replace(
    'services:',
    `services:\n  api: {image: org/api, restart: always, ${needsMig}}`,
  );
  const jobs = {
    ...images,
    'org/mig:1': { exits: 0 },
    'org/seed:1': { exits: 0 },
  };
  const onOldEngine = (compose: string): Scenario => {
    const s = scenario(compose, jobs);
    s.engine.setFacts({ ...facts, version: '20.10.24', apiVersion: '1.41' });
    return s;
  };

  it('lets no job run that only it waits for, be it through another job', async () => {
    const s = onOldEngine(withJob);
    const plan = await deploy(s, { ...web('1'), mig: 'org/mig:1' });
    const why =
      'waits until web can begin: volume.subpath needs Docker 26.0 or newer, and this engine is 20.10.24';
    expect(plan.services.filter((p) => p.service !== 'web').map((p) => p.decision)).toMatchObject([
      { kind: 'wait', reason: 'dependency', message: `waits until mig can begin: ${why}` },
      { kind: 'wait', reason: 'dependency', message: why },
    ]);
    expect(starts(s)).toEqual([]);
    s.engine.setFacts(facts);
    expect(outcomesOf(await s.agent.settle())).toEqual({
      seed: 'converged',
      mig: 'converged',
      web: 'converged',
    });
    expect(starts(s)).toEqual(['start seed 1', 'start mig 1', 'start web 1']);
  });

  it('holds back no job that a service needs which can begin', async () => {
    const s = onOldEngine(withApi);
    const wanted = { ...web('1'), api: 'org/api:1', mig: 'org/mig:1' };
    expect(outcomesOf(await deploy(s, wanted))).toMatchObject({ web: 'blocked engine', api: 'converged' });
    expect(starts(s)).toEqual(['start seed 1', 'start mig 1', 'start api 1']);
    expect(outcomesOf(await deploy(s, { ...wanted, ...web('2') }))).toMatchObject({
      mig: 'wait dependency',
      api: 'converged',
    });
    expect(starts(s)).toEqual([]);
  });
});

const waitingForJob = (more: string, top = ''): string => `
services:
  mig: {image: "org/mig:1"}
  web:
    image: org/web
    restart: always
    depends_on: {mig: {condition: service_completed_successfully}}
    ${more}
${top}
`;

type Hand = (hands: Scenario['engine']['byHand']) => void;
const nothing: Hand = () => undefined;

describe('a release that this host cannot have', () => {
  it.each<[string, string, Hand, Hand]>([
    [
      'network',
      waitingForJob('networks: [n]', 'networks: {n: {external: true, name: lan}}'),
      nothing,
      (hands) => hands.addNetwork('lan', 'test_eu'),
    ],
    [
      'volume',
      waitingForJob('volumes: ["v:/v"]', 'volumes: {v: {external: true, name: shared}}'),
      nothing,
      (hands) => hands.addVolume('shared'),
    ],
    [
      'volume',
      waitingForJob('volumes: ["v:/v"]', 'volumes: {v: {name: theirs}}'),
      (hands) => hands.addVolume('theirs', 'test_eu'),
      (hands) => hands.removeVolume('theirs'),
    ],
    [
      'port',
      waitingForJob('ports: ["80:8888"]'),
      (hands) => hands.run({ name: 'other', port: 80 }),
      (hands) => hands.remove('other'),
    ],
    [
      'name',
      waitingForJob('container_name: web'),
      (hands) => hands.run({ name: 'web' }),
      (hands) => hands.remove('web'),
    ],
    [
      'dependency',
      waitingForJob('network_mode: container:vpn'),
      nothing,
      (hands) => hands.run({ name: 'vpn' }),
    ],
  ])('lets no job run that only it waits for: %s', async (reason, compose, before, mend) => {
    const s = scenario(compose, { ...images, 'org/mig:1': { exits: 0 } });
    before(s.engine.byHand);
    expect(outcomesOf(await deploy(s, web('1')))).toMatchObject({
      mig: 'wait dependency',
      web: `blocked ${reason}`,
    });
    expect(starts(s)).toEqual([]);
    mend(s.engine.byHand);
    expect(outcomesOf(await s.agent.settle())).toEqual({ mig: 'converged', web: 'converged' });
    expect(starts(s)).toEqual(['start mig 1', 'start web 1']);
  });
});

describe('a release whose image must be here', () => {
  it('lets no job run that only it waits for', async () => {
    const compose = waitingForJob('pull_policy: never');
    const s = scenario(compose, { ...images, 'org/mig:1': { exits: 0 } });
    expect(outcomesOf(await deploy(s, web('1')))).toMatchObject({
      mig: 'wait dependency',
      web: 'blocked image',
    });
    expect(starts(s)).toEqual([]);
  });
});

describe('a release that the engine refuses', () => {
  it('is blocked with the words of the engine, and nothing is tried again by itself', async () => {
    const s = await deployed();
    refuse(s, 'create');
    const plan = await deploy(s, web('2'));
    expect(plan.services[0]?.decision).toEqual({
      kind: 'blocked',
      reason: 'engine',
      message: 'cannot create web: unknown capability: "CAP_NOSUCH"',
      advice:
        'the engine refuses this setting: correct the compose file; to try it again as it is: supercargo retry web',
    });
    expect(s.since()).toEqual(['pull org/web:2', 'create web 2 unarmed ✗ ENGINE']);
    expect(await later(s)).toEqual({ web: 'blocked engine' });
    expect(s.since()).toEqual([]);
    expect(running(s)).toEqual(['web 1']);
  });

  it('is tried again when its attempt is raised, and when the compose file changes', async () => {
    const s = await deployed();
    refuse(s, 'create');
    await deploy(s, web('2'));
    s.since();
    s.agent.wish = { ...s.agent.wish, published: { serial: 3, attempts: { web: 1 } } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked engine' });
    expect(s.since()).toEqual(['create web 2 unarmed ✗ ENGINE']);
    s.agent.wish = { ...s.agent.wish, compose: `${WEB}    mem_limit: 64m\n` };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked engine' });
    expect(s.since()).toEqual(['create web 2 unarmed ✗ ENGINE']);
  });

  it('is refused once where it is the first one, too', async () => {
    const s = scenario(WEB, images);
    refuse(s, 'start');
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'blocked engine' });
    s.since();
    expect(await later(s)).toEqual({ web: 'blocked engine' });
    expect(s.since()).toEqual([]);
  });
});

const failing = async (error: AgentError): Promise<Scenario> => {
  const s = await deployed();
  s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
  while (!s.agent.steps.includes('create web 2 unarmed')) await s.agent.tick();
  const name = s.engine.actual().containers.find((c) => c.state === 'created')?.name ?? '';
  s.engine.fail({ kind: 'start', name, error, times: 1_000 });
  return s;
};

describe('a start that fails after the old one was stopped', () => {
  it.each([
    ['refuses it', 'blocked engine', refused()],
    ['finds its port taken', 'blocked port', new AgentError('PORT_TAKEN', 'port is already allocated')],
    ['finds its address taken', 'blocked network', new AgentError('NETWORK', 'Address already in use')],
  ])('does not interrupt what serves a second time where the engine %s', async (_, told, error) => {
    const s = await failing(error);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: told });
    expect(s.since().filter((step) => step === 'stop web 1')).toEqual(['stop web 1']);
    expect(running(s)).toEqual(['web 1']);
    expect(await later(s)).toEqual({ web: told });
    expect(s.since()).toEqual([]);
  });

  it('does not interrupt it a third time where nobody knows why', async () => {
    const s = await failing(new AgentError('ENGINE', 'not now', { retry: 'later' }));
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'wait back-off' });
    for (let count = 0; count < 5; count += 1) await later(s);
    expect(await later(s)).toEqual({ web: 'blocked engine' });
    expect(s.since().filter((step) => step === 'stop web 1')).toHaveLength(2);
    expect(running(s)).toEqual(['web 1']);
  });
});
