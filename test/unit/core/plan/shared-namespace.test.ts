import { describe, expect, it } from 'vitest';
import { dryRun } from '../../../../src/core/plan/dry-run.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, running, scenario, type Scenario } from './scenario.ts';

const sideOf = (mode: string, more = ''): string => `
  side:
    image: org/side
    restart: always
    ${mode}
    deploy: { update_config: { monitor: 1s${more} } }`;

/** \`side\` comes first by its name, and names no dependency. */
const composeOf = (mode = 'network_mode: container:vpn', donor = ''): string => `
services:${sideOf(mode)}
  vpn:
    image: org/vpn
    container_name: vpn
    restart: always
    deploy: { update_config: { monitor: 1s } }
    x-supercargo: { healthy-within: 5s }
    ${donor}
`;

const IMAGES = {
  'org/vpn:1': {},
  'org/vpn:2': {},
  'org/vpn:9': { exits: 1, afterMs: 500 },
  'org/vpn:deaf': { deaf: true },
  'org/side:1': {},
  'org/side:2': {},
} as const;

const versions = (vpn: string, side = '1') => ({ vpn: `org/vpn:${vpn}`, side: `org/side:${side}` });

const converged = { side: 'converged', vpn: 'converged' };

const deployed = async (compose = composeOf()): Promise<Scenario> => {
  const s = scenario(compose, IMAGES);
  await deploy(s, versions('1'));
  s.engine.advance(10_000);
  s.since();
  return s;
};

/** Every running container, and whether anything reaches it. */
const reached = ({ engine }: Scenario): Readonly<Record<string, boolean>> =>
  Object.fromEntries(
    engine
      .actual()
      .containers.filter((c) => c.state === 'running')
      .map((c) => [`${c.owner?.service ?? c.name} ${c.owner?.version ?? ''}`.trim(), engine.answers(c.id)]),
  );

const MODES = ['network_mode: container:vpn', 'ipc: container:vpn', 'pid: container:vpn'] as const;

describe.each(MODES)('%s', (mode) => {
  const compose = composeOf(mode, mode.startsWith('ipc') ? 'ipc: shareable' : '');

  it('starts after its donor at the first publish of both', async () => {
    const s = scenario(compose, IMAGES);
    expect(outcomesOf(await deploy(s, versions('1')))).toEqual(converged);
    expect(s.since().filter((step) => /^(?:create|start) /.test(step))).toEqual([
      'create vpn 1',
      'start vpn 1',
      'create side 1',
      'start side 1',
    ]);
    expect(reached(s)).toEqual({ 'vpn 1': true, 'side 1': true });
  });

  it.each<[string, (s: Scenario) => void]>([
    ['was removed by hand', ({ engine }) => engine.byHand.remove('vpn')],
    ['was restarted by hand', ({ engine }) => engine.byHand.restart('vpn')],
    ['was stopped by hand', ({ engine }) => engine.byHand.stop('vpn')],
    ['was killed', ({ engine }) => engine.byHand.kill('vpn')],
    ['was paused', ({ engine }) => engine.byHand.pause('vpn')],
    ['was renamed', ({ engine }) => engine.byHand.rename('vpn', 'other')],
    ['was restarted with the whole engine', ({ engine }) => engine.restartDaemon()],
  ])('is reached again after its donor %s', async (_, change) => {
    const s = await deployed(compose);
    change(s);
    s.engine.advance(1_000);
    expect(outcomesOf(await s.agent.outlast())).toEqual(converged);
    expect(reached(s)).toEqual({ 'vpn 1': true, 'side 1': true });
    expect(s.engine.actual().containers).toHaveLength(2);
    s.since();
    s.engine.advance(60_000);
    await s.agent.settle();
    expect(s.since()).toEqual([]);
  });

  it('is reached after a new version of its donor, and plan says so', async () => {
    const s = await deployed(compose);
    s.agent.wish = { ...s.agent.wish, versions: versions('2'), published: { serial: 2 } };
    const { steps, end } = dryRun(await s.agent.observe());
    const foreseen = steps.filter((step) => step.service === 'side');
    expect(foreseen.map(({ action }) => action.kind)).toContain('start');
    expect(foreseen.map(({ why }) => why)).toContainEqual(
      expect.stringMatching(/^it joins the \S+(?: namespace)? of vpn, which has been replaced$/),
    );
    expect(outcomesOf(end)).toEqual(converged);
    expect(outcomesOf(await s.agent.settle())).toEqual(converged);
    expect(reached(s)).toEqual({ 'vpn 2': true, 'side 1': true });
    expect(s.agent.ledger.services['side']?.failure).toBeUndefined();
  });

  it('is reached after its donor was rolled back', async () => {
    const s = await deployed(compose);
    expect(outcomesOf(await deploy(s, versions('9')))).toEqual({
      side: 'converged',
      vpn: 'rolled-back 9 → 1',
    });
    expect(reached(s)).toEqual({ 'vpn 1': true, 'side 1': true });
    expect(s.agent.ledger.services['side']?.failure).toBeUndefined();
  });

  it('switches once where both have new versions', async () => {
    const s = await deployed(compose);
    expect(outcomesOf(await deploy(s, versions('2', '2')))).toEqual(converged);
    expect(s.since().filter((step) => /^(?:create|start) /.test(step))).toEqual([
      'create vpn 2 unarmed',
      'start vpn 2',
      'create side 2 unarmed',
      'start side 2',
    ]);
    expect(reached(s)).toEqual({ 'vpn 2': true, 'side 2': true });
  });

  it('is told while its donor does not run', async () => {
    const s = await deployed(compose);
    s.engine.byHand.stop('vpn');
    expect(outcomesOf(await s.agent.plan())['side']).toBe('wait dependency');
  });
});

describe('a donor that serves through its guest', () => {
  const compose = composeOf(undefined, "ports: ['80:8888']");

  it.each([
    ['', ''],
    ['that also waits for it', 'depends_on: [vpn]'],
  ])('is good once the guest %s listens on its port', async (_, more) => {
    const s = scenario(compose.replace('    deploy', `    ${more}\n    deploy`), IMAGES);
    expect(outcomesOf(await deploy(s, versions('deaf')))).toEqual(converged);
    expect(reached(s)).toEqual({ 'vpn deaf': true, 'side 1': true });
    expect(outcomesOf(await deploy(s, versions('deaf', '2')))).toEqual(converged);
    expect(reached(s)).toEqual({ 'vpn deaf': true, 'side 2': true });
  });
});

describe('who joins', () => {
  it('has every replica made anew', async () => {
    const s = await deployed(composeOf().replace('update_config', 'replicas: 3, update_config'));
    await deploy(s, versions('2'));
    expect(running(s)).toEqual(['side 1', 'side.2 1', 'side.3 1', 'vpn 2']);
    expect(s.engine.actual().containers.every((c) => s.engine.answers(c.id))).toBe(true);
  });

  it('is replaced without a gap with start-first', async () => {
    const s = await deployed(
      composeOf('ipc: container:vpn', 'ipc: shareable').replace(
        'update_config: { ',
        'update_config: { order: start-first, ',
      ),
    );
    await deploy(s, versions('2'));
    expect(reached(s)).toEqual({ 'vpn 2': true, 'side 1': true });
    s.since();
    s.engine.byHand.restart('vpn');
    await s.agent.settle();
    const steps = s.since();
    expect(steps.indexOf('start side 1')).toBeLessThan(steps.indexOf('stop side 1'));
    expect(reached(s)).toEqual({ 'vpn 2': true, 'side 1': true });
  });

  describe.each([0, 143])('with restart: "no" whose program ends with %s when it is stopped', (stopsWith) => {
    const replacing = [
      'create side 1 unarmed',
      'stop side 1',
      'rename side 1 test-side-aside-#',
      'rename side 1 test-side-1-#',
      'start side 1',
      'remove side 1',
    ];
    it.each<[string, string, (s: Scenario) => unknown, readonly string[]]>([
      ['replaced', '2', async (s) => deploy(s, versions('2')), replacing],
      ['removed by hand', '1', ({ engine }) => engine.byHand.remove('vpn'), replacing],
      [
        'restarted by hand',
        '1',
        ({ engine }) => engine.byHand.restart('vpn'),
        ['stop side 1', 'start side 1'],
      ],
    ])('is started once after its donor was %s', async (_, version, change, steps) => {
      const once = composeOf().replace('org/side\n    restart: always', "org/side\n    restart: 'no'");
      const s = scenario(once, { ...IMAGES, 'org/side:1': { stopsWith } });
      await deploy(s, versions('1'));
      s.engine.advance(10_000);
      s.since();
      await change(s);
      s.engine.advance(1_000);
      expect(outcomesOf(await s.agent.outlast())).toEqual(converged);
      expect(reached(s)).toEqual({ [`vpn ${version}`]: true, 'side 1': true });
      expect(s.since().filter((step) => / side /.test(step))).toEqual(steps);
    });
  });

  it('is not run again once it has completed', async () => {
    const job = composeOf().replace('org/side\n    restart: always', "org/side\n    restart: 'no'");
    const s = scenario(job, { ...IMAGES, 'org/side:1': { exits: 0 } });
    await deploy(s, versions('1'));
    s.engine.advance(10_000);
    s.since();
    await deploy(s, versions('2'));
    expect(s.since().filter((step) => / side /.test(step))).toEqual([]);
  });

  it('waits for a container that is not of this host, and is made anew after it', async () => {
    const compose = `services:${sideOf('network_mode: container:foreign')}`;
    const s = scenario(compose, IMAGES);
    const { services } = await deploy(s, { side: 'org/side:1' });
    expect(services[0]?.decision).toMatchObject({ kind: 'blocked', reason: 'dependency' });
    s.engine.byHand.run({ name: 'foreign' });
    s.engine.advance(1_000);
    expect(outcomesOf(await s.agent.settle())).toEqual({ side: 'converged' });
    s.engine.byHand.remove('foreign');
    expect(outcomesOf(await s.agent.settle())).toEqual({ side: 'blocked dependency' });
    s.engine.advance(1_000);
    s.engine.byHand.run({ name: 'foreign' });
    expect(outcomesOf(await s.agent.settle())).toEqual({ side: 'converged' });
    expect(reached(s)).toEqual({ foreign: true, 'side 1': true });
    s.engine.advance(1_000);
    s.engine.byHand.restart('foreign');
    expect(outcomesOf(await s.agent.settle())).toEqual({ side: 'converged' });
    expect(reached(s)).toEqual({ foreign: true, 'side 1': true });
    s.engine.byHand.stop('foreign');
    const stopped = await s.agent.settle();
    expect(stopped.services[0]?.decision).toEqual({
      kind: 'blocked',
      reason: 'dependency',
      message: 'it joins the network of foreign, which does not run',
      advice: 'start it (docker start foreign)',
    });
  });
});
