import { describe, expect, it } from 'vitest';
import { isBusy, outcomesOf } from '../../../../support/simulated-agent.ts';
import { deploy, running, web } from '../scenario.ts';
import { byName, deployed, recompose, rotation, scene, serving, startFirst } from './scenes.ts';

/** What one replica's switch does, up to the point where the old one drains. */
const UP = (version: string): readonly string[] => [
  `create web ${version}`,
  `start web ${version}`,
  `edge-add web ${version}`,
  `edge-ready web ${version}`,
];
const AWAY = (name: string): readonly string[] => [
  `edge-remove ${name}`,
  `disarm ${name}`,
  `stop ${name}`,
  `remove ${name}`,
];

const TWO = startFirst({
  more: `
  api:
    image: org/api
    restart: always
    ports: [{ target: 7000, published: 81 }]
    deploy: { update_config: { order: start-first } }`,
});

describe('start-first behind the edge', () => {
  it('makes the edge with the first service that needs it', async () => {
    const s = scene();
    const plan = await deploy(s, web('1'));
    expect(s.since()).toEqual([
      'pull org/web:1',
      'create-network test_default',
      'create-network test_edge',
      'create web 1',
      'pull haproxy:3.2',
      'start web 1',
      'edge-write web:8888=web 1',
      'create-edge',
      'start edge',
      'remember web 1',
    ]);
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready [web 1]']);
  });

  it('opens no port before somebody can answer on it', async () => {
    const s = scene();
    const whenOpen = new Set<number>();
    s.agent.wish = { ...s.agent.wish, versions: web('slow'), published: { serial: 1 } };
    for (let n = 0; n < 40; n += 1) {
      await s.agent.tick();
      const { edges } = s.engine.actual();
      if (edges.some((e) => e.state?.frontends.length)) whenOpen.add(serving(s.engine).size);
    }
    expect([...whenOpen]).toEqual([1]);
  });

  it('replaces no edge for the first release of a service that is bad', async () => {
    const s = await deployed();
    const api = TWO.replace('image: org/api', 'image: org/web:unhealthy').replace(
      'start-first } }',
      'start-first } }\n    x-supercargo: { healthy-within: 2s }',
    );
    expect(outcomesOf(await recompose(s, api))).toEqual({ web: 'converged', api: 'blocked down' });
    expect(s.since().filter((step) => /edge$|beside/.test(step))).toEqual([]);
  });

  it('starts the new one beside the old one, and the old one goes when the new one has served for a while', async () => {
    const s = await deployed();
    const plan = await deploy(s, web('2'));
    expect(s.since()).toEqual([
      'pull org/web:2',
      ...UP('2'),
      'edge-drain web 1',
      'drain web 1',
      'edge-write web:8888=web 1, web:8888=web 2',
      'edge-write web:8888=web 2',
      'remember web 2',
      ...AWAY('web 1'),
    ]);
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
    expect(running(s)).toContain('web 2');
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });

  it('invariant 7: planning a converged host says converged and calls nothing that writes', async () => {
    const s = await deployed();
    const plan = await s.agent.plan();
    expect(isBusy(plan)).toBe(false);
    expect([...plan.services, plan.edge].map((p) => p?.decision)).toEqual([
      { kind: 'converged' },
      { kind: 'converged' },
    ]);
    expect(plan.nextAtMs).toBeUndefined();
  });

  it('with parallelism 0 has every new one ready before any old one drains', async () => {
    const s = await deployed(startFirst({ replicas: 2, update: 'parallelism: 0' }));
    await deploy(s, web('2'));
    expect(s.since().filter((step) => /^(edge-ready|edge-drain|stop)/.test(step))).toEqual([
      'edge-ready web 2',
      'edge-ready web.2 2',
      'edge-drain web 1',
      'edge-drain web.2 1',
      'stop web 1',
      'stop web.2 1',
    ]);
  });

  it('with parallelism 1 replaces one at a time where the compose file names no restart policy', async () => {
    const layout = startFirst({ replicas: 2, update: 'parallelism: 1' });
    const s = await deployed(layout.replace('    restart: always\n', ''));
    await deploy(s, web('2'));
    expect(s.since().filter((step) => /^(create|remove) web/.test(step))).toEqual([
      'create web 2',
      'remove web 1',
      'create web.2 2',
      'remove web.2 1',
    ]);
  });

  it('with parallelism 1 ends with one replica, and waits for the delay, before it begins with the next', async () => {
    const s = await deployed(startFirst({ replicas: 2, update: 'parallelism: 1, delay: 30s' }));
    const before = s.engine.now();
    await deploy(s, web('2'));
    expect(s.since()).toEqual([
      'pull org/web:2',
      ...UP('2'),
      'edge-drain web 1',
      'drain web 1',
      'edge-write web:8888=web 1, web:8888=web.2 1, web:8888=web 2',
      'edge-write web:8888=web.2 1, web:8888=web 2',
      ...AWAY('web 1'),
      'create web.2 2',
      'start web.2 2',
      'edge-add web.2 2',
      'edge-ready web.2 2',
      'edge-drain web.2 1',
      'drain web.2 1',
      'edge-write web:8888=web.2 1, web:8888=web 2, web:8888=web.2 2',
      'edge-write web:8888=web 2, web:8888=web.2 2',
      'remember web 2',
      ...AWAY('web.2 1'),
    ]);
    expect(s.engine.now() - before).toBeGreaterThanOrEqual(30_000);
  });

  it('counts the delay from the end of the last batch', async () => {
    const s = await deployed(startFirst({ replicas: 2, update: 'parallelism: 1, delay: 1s' }));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    const at = new Map<string, number>();
    for (let n = 0; n < 600; n += 1) {
      const known = s.agent.steps.length;
      await s.agent.tick();
      for (const step of s.agent.steps.slice(known)) at.set(step, s.engine.now());
    }
    const between = (at.get('create web.2 2') ?? 0) - (at.get('drain web 1') ?? 0);
    // The monitor time, and the delay.
    expect(between).toBeGreaterThanOrEqual(2_000);
    expect(between).toBeLessThan(3_000);
  });

  it('scales up beside what runs', async () => {
    const s = await deployed();
    await recompose(s, startFirst({ replicas: 2 }));
    expect(s.since()).toEqual([
      'create web.2 1',
      'start web.2 1',
      'edge-add web.2 1',
      'edge-ready web.2 1',
      'edge-write web:8888=web 1, web:8888=web.2 1',
    ]);
  });

  it('scales down by draining the surplus', async () => {
    const s = await deployed(startFirst({ replicas: 2 }));
    await recompose(s, startFirst());
    expect(s.since()).toEqual([
      'edge-drain web.2 1',
      'drain web.2 1',
      'edge-write web:8888=web 1',
      ...AWAY('web.2 1'),
    ]);
  });

  it('scales down where somebody has stopped the surplus before', async () => {
    const s = await deployed(startFirst({ replicas: 2 }));
    const surplus = s.engine.actual().containers.find((c) => c.owner?.replica === 2);
    s.engine.byHand.stop(surplus?.name ?? '');
    expect(outcomesOf(await recompose(s, startFirst()))).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready [web 1]']);
  });

  it('takes a service away, and the edge with it when nothing needs that any more', async () => {
    const s = await deployed();
    await recompose(s, 'x-supercargo: {allow-empty: true}\nservices: {}');
    expect(running(s)).toEqual([]);
    expect(s.engine.actual().networks).toEqual([]);
    const steps = s.since();
    expect(steps.indexOf('edge-drain web 1')).toBeLessThan(steps.indexOf('stop web 1'));
    expect(steps.slice(-3)).toEqual(['forget', 'remove-network test_default', 'remove-network test_edge']);
  });

  it('touches no server of another service behind the same edge', async () => {
    const s = await deployed(TWO, { ...web('1'), api: 'org/api:1' });
    await deploy(s, { ...web('1'), api: 'org/api:2' });
    expect(s.since().filter((step) => / web( |$)/.test(step) && !step.startsWith('edge-write'))).toEqual([]);
    expect(rotation(s.engine)).toEqual(['api:7000 api 2 ready, web:8888 web 1 ready [api 2, web 1]']);
  });
});

const draining = async () => {
  const s = await deployed(startFirst({ drain: '20s' }));
  s.engine.byHand.connect(s.engine.actual().containers.find((c) => c.owner)?.name ?? '', 2);
  s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
  for (let n = 0; n < 200; n += 1) await s.agent.tick();
  return s;
};

describe('connections to an old one', () => {
  it('keep it until they end', async () => {
    const s = await draining();
    expect(running(s)).toContain('web 1');
    expect(outcomesOf(await s.agent.plan())).toEqual({ web: 'wait drain' });
    s.engine.byHand.connect(
      s.engine.actual().containers.find((c) => c.owner?.version === '1')?.name ?? '',
      0,
    );
    const before = s.engine.now();
    await s.agent.settle();
    expect(running(s)).not.toContain('web 1');
    expect(s.engine.now() - before).toBeLessThan(1_000);
  });

  it('keep it until the deadline at most', async () => {
    const s = await draining();
    const before = s.engine.now();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).not.toContain('web 1');
    expect(s.engine.now() - before).toBeGreaterThan(15_000);
  });
});

describe('start-first by name', () => {
  it('gives the new one its name once it is good, and the old one the drain time', async () => {
    const s = await deployed(byName());
    const before = s.engine.now();
    await deploy(s, web('2'));
    expect(s.since()).toEqual([
      'pull org/web:2',
      'create web 2',
      'start web 2',
      'rejoin web 2 test_default',
      'drain web 1',
      'remember web 2',
      'disarm web 1',
      'stop web 1',
      'remove web 1',
    ]);
    expect(s.engine.now() - before).toBeGreaterThanOrEqual(2_000);
    const [container] = s.engine.actual().containers;
    expect(container?.detail?.networks.map((n) => n.aliases)).toEqual([['web']]);
  });

  it('never gives its name to one that is not good', async () => {
    const s = await deployed(byName());
    await deploy(s, web('unhealthy'));
    expect(s.since().filter((step) => step.startsWith('rejoin'))).toEqual([]);
  });
});
