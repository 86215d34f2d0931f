import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import { createSimulatedAgent, outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, running, scenario, web, WEB } from './scenario.ts';

const images = {
  'org/web:1': { health: 'healthy' },
  'org/web:2': { health: 'healthy' },
  'org/web:3': { health: 'unhealthy' },
  'org/web:4': { exits: 1 },
  'org/web:5': { startFault: 'exec: no such file' },
} as const;

const deployed = async (compose = WEB): Promise<ReturnType<typeof scenario>> => {
  const s = scenario(compose, images);
  await deploy(s, web('1'));
  s.since();
  return s;
};

const FORTH = [
  'create web 2 unarmed',
  'disarm web 1',
  'stop web 1',
  'arm web 2',
  'start web 2',
  'remember web 2',
  'remove web 1',
];
const BACK = (bad: string, reason: string): readonly string[] => [
  `quarantine ${bad} ${reason}`,
  `disarm web ${bad}`,
  `stop web ${bad}`,
  'arm web 1',
  'start web 1',
  `remove web ${bad}`,
];

describe('a switch with order stop-first', () => {
  it('starts a first release: image, network, container, and nothing else', async () => {
    const s = scenario(WEB, images);
    const plan = await deploy(s, web('1'));
    expect(s.since()).toEqual([
      'pull org/web:1',
      'create-network test_default',
      'create web 1',
      'start web 1',
      'remember web 1',
    ]);
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
  });

  it('climbs every rung of the ladder at a version change', async () => {
    const s = await deployed();
    const plan = await deploy(s, web('2'));
    expect(s.since()).toEqual(['pull org/web:2', ...FORTH]);
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });

  it('invariant 7: planning a converged host says converged and calls nothing that writes', async () => {
    const s = await deployed();
    const plan = await deploy(s, web('1'));
    expect({
      ...plan,
      services: plan.services.map(({ decision, staging }) => ({ decision, staging })),
    }).toEqual({
      services: [{ decision: { kind: 'converged' }, staging: [] }],
      housekeeping: [],
      foreign: [],
      nextAtMs: undefined,
    });
    expect(s.since()).toEqual([]);
  });

  it.each([
    ['never healthy', '3', ['arm web 3', 'start web 3', ...BACK('3', 'unhealthy')]],
    ['in a crash loop', '4', ['arm web 4', 'start web 4', ...BACK('4', 'crashed')]],
    [
      'impossible to start',
      '5',
      [
        'arm web 5',
        'start web 5 ✗ RELEASE',
        'quarantine 5 crashed',
        'disarm web 5',
        'arm web 1',
        'start web 1',
        'remove web 5',
      ],
    ],
  ])('goes back to the last good release when the new one is %s', async (_, version, steps) => {
    const s = await deployed();
    const plan = await deploy(s, web(version));
    expect(s.since()).toEqual([
      `pull org/web:${version}`,
      `create web ${version} unarmed`,
      'disarm web 1',
      'stop web 1',
      ...steps,
    ]);
    expect(outcomesOf(plan)).toEqual({ web: `rolled-back ${version} → 1` });
    expect(running(s)).toEqual(['web 1']);
  });

  it('does not try a quarantined release again, whatever else is published, until its attempt is raised', async () => {
    const s = await deployed();
    await deploy(s, web('4'));
    s.since();
    expect(outcomesOf(await deploy(s, web('4')))).toEqual({ web: 'rolled-back 4 → 1' });
    expect(s.since()).toEqual([]);
    s.agent.wish = { ...s.agent.wish, published: { serial: 9, attempts: { web: 1 } } };
    await s.agent.settle();
    expect(s.since()).toContain('start web 4');
  });

  it('a new version gets its try at once after a quarantined one', async () => {
    const s = await deployed();
    await deploy(s, web('4'));
    s.since();
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'converged' });
    expect(s.since().slice(0, FORTH.length + 1)).toEqual(['pull org/web:2', ...FORTH]);
  });

  it('takes a first release that is bad away, since there is nothing to go back to', async () => {
    const s = scenario(WEB, images);
    expect(outcomesOf(await deploy(s, web('3')))).toEqual({ web: 'blocked down' });
    expect(s.since().slice(-4)).toEqual([
      'quarantine 3 unhealthy',
      'disarm web 3',
      'stop web 3',
      'remove web 3',
    ]);
  });

  it('makes the old container again from the last good spec, with its anonymous volumes, when it can not be started any more', async () => {
    const s = scenario(WEB + '    volumes: [/cache]\n', images);
    await deploy(s, web('1'));
    const [before] = s.engine.actual().containers;
    s.since();
    s.engine.fail({
      kind: 'start',
      name: before?.name ?? '',
      times: 1,
      error: new AgentError('NETWORK', 'its address is gone'),
    });
    s.agent.wish = { ...s.agent.wish, versions: web('3'), published: { serial: 2 } };
    const plan = await s.agent.outlast();
    expect(s.since().slice(-10)).toEqual([
      'arm web 1',
      'start web 1 ✗ NETWORK',
      'create web 1 unarmed',
      'disarm web 1',
      'rename web 1 test-web-aside-#',
      'rename web 1 test-web-1-#',
      'arm web 1',
      'start web 1',
      'remove web 1',
      'remove web 3',
    ]);
    const [after] = s.engine.actual().containers;
    expect(outcomesOf(plan)).toEqual({ web: 'rolled-back 3 → 1' });
    expect({ ...after?.owner, volumes: after?.detail?.volumes, name: after?.name }).toEqual({
      ...before?.owner,
      volumes: before?.detail?.volumes,
      name: before?.name,
    });
    expect(after?.id).not.toBe(before?.id);
  });

  it('leaves everything as it is when failure_action is pause, and gives a raised attempt a fresh container', async () => {
    const s = await deployed(WEB + '    deploy: {update_config: {failure_action: pause}}\n');
    expect(outcomesOf(await deploy(s, web('4')))).toEqual({ web: 'blocked down' });
    expect(s.since().slice(-3)).toEqual(['arm web 4', 'start web 4', 'quarantine 4 crashed']);
    s.engine.registry.push('org/web:4', { health: 'healthy' });
    s.agent.wish = { ...s.agent.wish, published: { serial: 9, attempts: { web: 1 } } };
    const plan = await s.agent.settle();
    expect(s.since().slice(0, 3)).toEqual(['create web 4 unarmed', 'disarm web 4', 'stop web 4']);
    expect(plan.services[0]?.decision.kind).not.toBe('act');
  });

  it('brings the old release back where the new one finds its port taken, and does not stop it for that again', async () => {
    const s = await deployed();
    s.engine.occupy(80);
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    const plan = await s.agent.settle();
    expect(outcomesOf(plan)).toEqual({ web: 'blocked port' });
    s.engine.release(80);
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'blocked port' });
    expect(running(s)).toEqual(['web 1']);
    s.agent.wish = { ...s.agent.wish, published: { serial: 3, attempts: { web: 1 } } };
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
    expect(s.agent.ledger.services['web']?.failure).toBeUndefined();
  });

  it.each([
    ['the registry is away', 'down', 'wait back-off'],
    ['the registry refuses', 'denied', 'blocked auth'],
    ['nobody pushed it', 'missing', 'blocked image'],
  ] as const)('touches nothing that runs while %s', async (_, what, told) => {
    const s = await deployed();
    if (what === 'missing') s.engine.registry.remove('org/web:2');
    else s.engine.registry.setState(what);
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: told });
    expect(s.since().filter((step) => !step.startsWith('pull'))).toEqual([]);
    expect(running(s)).toEqual(['web 1']);
    s.engine.registry.setState('up');
    s.engine.registry.push('org/web:2', {});
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
  });

  it('does not blame a candidate for the silence while no agent listened', async () => {
    const s = scenario(WEB, { 'org/web:1': {} });
    s.agent.wish = { ...s.agent.wish, versions: web('1') };
    while (!s.agent.steps.includes('start web 1')) await s.agent.tick();
    s.engine.advance(3_600_000);
    const next = createSimulatedAgent(s.engine, s.agent.wish, { ledger: s.agent.ledger });
    expect(outcomesOf(await next.settle())).toEqual({ web: 'converged' });
    expect(next.steps).toEqual(['remember web 1']);
  });

  it('moves container_name by rename, recoverable at each step', async () => {
    const s = await deployed(WEB + '    container_name: the-web\n');
    await deploy(s, web('2'));
    expect(s.since()).toEqual([
      'pull org/web:2',
      'create web 2 unarmed',
      'disarm web 1',
      'stop web 1',
      'rename web 1 test-web-aside-#',
      'rename web 2 the-web',
      'arm web 2',
      'start web 2',
      'remember web 2',
      'remove web 1',
    ]);
    expect(s.engine.actual().containers.map((c) => c.name)).toEqual(['the-web']);
  });

  it('brings the old release back while the engine refuses to start the new one, and tries that again later', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('create web 2 unarmed')) await s.agent.tick();
    const candidate = s.engine.actual().containers.find((c) => c.state === 'created')?.name ?? '';
    s.engine.fail({
      kind: 'start',
      name: candidate,
      times: 1,
      error: new AgentError('ENGINE', 'not now', { retry: 'later' }),
    });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'wait back-off' });
    expect(running(s)).toEqual(['web 1']);
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });

  it('keeps the failed container until the good one can be made again', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, versions: web('3'), published: { serial: 2 } };
    while (!s.agent.steps.includes('start web 3')) await s.agent.tick();
    for (const c of s.engine.actual().containers)
      if (c.owner?.version === '1') s.engine.byHand.remove(c.name);
    for (const i of s.engine.actual().images)
      if (i.tags.some((t) => t.tag === '1')) s.engine.byHand.removeImage(i.id);
    s.engine.registry.setState('down');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked down' });
    expect(running(s)).toEqual(['web 3']);
    s.engine.registry.setState('up');
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'rolled-back 3 → 1' });
    expect(running(s)).toEqual(['web 1']);
  });

  it('does not push a failed container out for a port that somebody else took', async () => {
    const s = await deployed(WEB);
    const { good } = s.agent.ledger.services['web'] ?? {};
    s.agent.wish = {
      ...s.agent.wish,
      compose: WEB.replace('80:', '81:'),
      versions: web('3'),
      published: { serial: 2 },
    };
    while (!s.agent.steps.includes('start web 3')) await s.agent.tick();
    for (const c of s.engine.actual().containers)
      if (c.owner?.version === '1') s.engine.byHand.remove(c.name);
    s.engine.byHand.run({ name: 'squatter', port: 80 });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked port' });
    expect(running(s)).toEqual(['squatter', 'web 3']);
    expect(s.agent.ledger.services['web']?.good).toEqual(good);
  });

  it('does not run a release again that completes while its predecessor is cleared away', async () => {
    const once = 'services: {web: {image: org/web}}';
    const s = scenario(once, { 'org/web:1': {}, 'org/web:2': { exits: 0, afterMs: 5_100 } });
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('remember web 2')) await s.agent.tick();
    s.since();
    s.engine.advance(10_000);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['remove web 1', 'remember web 2 completed']);
  });

  it('repairs what runs while its successor can not begin, and rests after a failure of that', async () => {
    const s = await deployed();
    s.engine.byHand.run({ name: 'squatter', port: 81 });
    s.agent.wish = { ...s.agent.wish, compose: WEB.replace('80:', '81:') };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked port' });
    s.engine.byHand.update(s.engine.actual().containers[0]?.name ?? '', 'no');
    s.engine.fail({ kind: 'arm', times: 1, error: new AgentError('ENGINE', 'not now', { retry: 'later' }) });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'wait back-off' });
    expect(s.since()).toEqual(['arm web 1 ✗ ENGINE']);
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'blocked port' });
    expect(s.since()).toEqual(['arm web 1']);
  });

  it('gives what was here last its chance where nothing is known to be good and nothing new can begin', async () => {
    const s = scenario(WEB, images);
    s.agent.wish = { ...s.agent.wish, versions: web('1') };
    while (!s.agent.steps.includes('start web 1')) await s.agent.tick();
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('arm web 2')) await s.agent.tick();
    s.since();
    s.agent.wish = { ...s.agent.wish, versions: { web: 'org/other:1' }, published: { serial: 3 } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked repository' });
    expect(s.since()).toEqual(['disarm web 2', 'arm web 1', 'start web 1', 'remove web 2']);
  });
});
