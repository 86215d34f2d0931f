import { describe, expect, it } from 'vitest';
import { dryRun } from '../../../../../src/core/plan/dry-run.ts';
import { gapOf } from '../../../../../src/core/plan/downtime.ts';
import type { Action } from '../../../../../src/core/plan/action.ts';
import type { EdgeSetting, HealthSetting } from '../../../../../src/core/plan/plan-input.ts';
import type { HostPlan } from '../../../../../src/core/plan/host-plan.ts';
import { outcomesOf } from '../../../../support/simulated-agent.ts';
import { edgeSetting } from '../../../../support/world.ts';
import { deploy, running, web, type Scenario } from '../scenario.ts';
import { scene, startFirst } from './scenes.ts';

const HEALTH: HealthSetting = { hostAddress: '', hostPort: 9000, leadMs: 10_000 };

const STOP_FIRST = startFirst({ order: 'stop-first' });

const behindBalancer = (compose: string, health = HEALTH, options = {}): Scenario => {
  const s = scene(compose, options);
  s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, health } } };
  return s;
};

/** Notes what load balancers hear when a container of a service is stopped. */
const watching = (moments: string[], scenario: () => Scenario) => ({
  before: (action: Action) => {
    if (action.kind !== 'stop') return;
    const { engine } = scenario();
    const owner = engine.actual().containers.find((c) => c.id === action.container.id)?.owner;
    if (owner) moments.push(`stop ${owner.service} at ${heard(scenario())}`);
  },
});

const wantHealth = (
  s: Scenario,
  health: HealthSetting | undefined,
  more: Partial<EdgeSetting> = {},
): void => {
  s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, ...more, health } } };
};

/** What a load balancer hears: `/ 200, /web 503`; two such texts if two edges answer differently. */
const heard = (s: Scenario): string => s.engine.heard().join(' | ');

const leadOf = (plan: HostPlan, service = 'web'): string | undefined => {
  const decision = plan.services.find((p) => p.service === service)?.decision;
  return decision?.kind === 'wait' && decision.reason === 'lead' ? decision.message : undefined;
};

/** The endpoint moves to a port that another program has. */
const wantTakenPort = (s: Scenario): void => {
  s.agent.wish = {
    ...s.agent.wish,
    more: { edge: { ...edgeSetting, health: { ...HEALTH, hostPort: 9001 } } },
  };
  s.engine.occupy(9001);
};

describe('the health endpoint', () => {
  it('makes an edge where no service is start-first, and is green once the service is good', async () => {
    const s = behindBalancer(STOP_FIRST);
    const plan = await deploy(s, web('1'));
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
    expect(heard(s)).toBe('/ 200, /web 200');
    expect(s.since()).toContain('create-edge');
  });

  it('turns red before a switch with a gap, for as long as load balancers need, and green before it is done', async () => {
    const moments: string[] = [];
    const s = behindBalancer(STOP_FIRST, HEALTH, {
      before: (action: { readonly kind: string }) => {
        if (action.kind === 'stop') moments.push(`stop at ${heard(s)}`);
      },
    });
    await deploy(s, web('1'));
    const startedMs = s.engine.now();
    s.since();
    await deploy(s, web('2'));
    expect(moments).toEqual(['stop at / 503, /web 503']);
    expect(s.since()).toEqual([
      'pull org/web:2',
      'create web 2 unarmed',
      'edge-answer / 503, /web 503',
      'disarm web 1',
      'stop web 1',
      'arm web 2',
      'edge-answer / 503, /web 503',
      'start web 2',
      'remember web 2',
      'remove web 1',
      'edge-answer / 200, /web 200',
    ]);
    expect(s.engine.now() - startedMs).toBeGreaterThanOrEqual(2 * HEALTH.leadMs);
    expect(heard(s)).toBe('/ 200, /web 200');
  });

  it('says what it waits for', async () => {
    const said = new Set<string>();
    const s = behindBalancer(STOP_FIRST, HEALTH, {
      onPlan: (plan: HostPlan) => said.add((leadOf(plan) ?? '').replace(/\d{4}-.*Z/, 'TIME')),
    });
    await deploy(s, web('1'));
    await deploy(s, web('2'));
    expect([...said]).toEqual(
      expect.arrayContaining([
        'load balancers hear that web goes out of service',
        'load balancers stop sending to web until TIME',
        'web serves; load balancers notice until TIME',
      ]),
    );
  });

  it('stays green through a start-first switch', async () => {
    const seen = new Set<string>();
    const s = behindBalancer(startFirst());
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    for (let n = 0; n < 60; n += 1) {
      await s.agent.tick();
      seen.add(heard(s));
      s.engine.advance(200);
    }
    expect(running(s)).toContain('web 2');
    expect([...seen]).toEqual(['/ 200, /web 200']);
  });

  it('keeps the time of an answer when the edge is replaced', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    const since = (): readonly (number | undefined)[] =>
      s.engine.actual().edges.map((e) => e.state?.answers?.['web']?.sinceMs);
    const [before] = since();
    s.agent.wish = {
      ...s.agent.wish,
      more: {
        edge: { ...edgeSetting, trustedProxies: ['10.0.0.0/8'], health: { ...HEALTH, hostPort: 9001 } },
      },
    };
    s.engine.advance(60_000);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(since()).toEqual([before]);
  });

  it('counts no service that outside clients cannot reach for the host', async () => {
    const s = behindBalancer(
      startFirst({ order: 'stop-first', more: '  worker:\n    image: org/api\n    restart: always\n' }),
    );
    await deploy(s, { ...web('1'), worker: 'org/api:1' });
    s.agent.wish = {
      ...s.agent.wish,
      versions: { ...web('1'), worker: 'org/api:2' },
      published: { serial: 2 },
    };
    const seen = new Set<string>();
    s.since();
    for (let n = 0; n < 20; n += 1) {
      await s.agent.tick();
      seen.add(heard(s));
    }
    expect([...seen].every((text) => text.startsWith('/ 200, /web 200'))).toBe(true);
    expect(running(s)).toContain('worker 2');
  });

  it('does not stop what serves while no load balancer can hear of it', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    wantTakenPort(s);
    const plan = await deploy(s, web('2'));
    expect(running(s)).toContain('web 1');
    expect(outcomesOf(plan)['web']).toBe('blocked port');
  });

  it('says which service has its port', async () => {
    const s = behindBalancer(startFirst(), { ...HEALTH, hostPort: 80 });
    const plan = await deploy(s, web('1'));
    expect(plan.edge?.decision).toMatchObject({
      kind: 'blocked',
      message: 'port 80/tcp of SUPERCARGO_HEALTH_LISTEN is taken by the service web',
    });
    expect(running(s)).toContain('web 1');
  });

  it('shows the lead in a plan', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    const input = await s.agent.observe();
    const { now, steps, end } = dryRun(input);
    expect(end.services.map((p) => p.decision.kind)).toEqual(['converged']);
    const [plan] = now.services;
    expect(plan && gapOf(input, plan, steps)).toBe(
      'about 0.5 s and the time the new container needs to start, because stop-first stops the old one first; ' +
        'load balancers hear of it 10 s before, and have 10 s after it',
    );
  });

  it('gives load balancers the lead before a repair that replaces what serves', async () => {
    const moments: string[] = [];
    const s = behindBalancer(STOP_FIRST, HEALTH, {
      before: (action: Action) => {
        const isOwn = s.engine
          .actual()
          .containers.some((c) => c.owner && 'container' in action && c.id === action.container.id);
        if (action.kind === 'disarm' && isOwn) moments.push(heard(s));
      },
    });
    await deploy(s, web('1'));
    const name = s.engine.actual().containers.find((c) => c.owner?.service === 'web')?.name ?? '';
    s.engine.byHand.recreate(name, 'org/web:1');
    await s.agent.settle();
    expect(moments).toEqual(['/ 503, /web 503']);
  });

  it('rolls back although no edge answers', async () => {
    const s = behindBalancer(
      STOP_FIRST.replace('healthy-within: 5s', 'healthy-within: 5s, ready: { tcp: 8888 }'),
    );
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, versions: web('deaf'), published: { serial: 2 } };
    for (let n = 0; n < 100 && !running(s).includes('web deaf'); n += 1) {
      await s.agent.tick();
      s.engine.advance(500);
    }
    expect(running(s)).toContain('web deaf');
    s.engine.byHand.silence(true);
    s.engine.advance(60_000);
    await s.agent.outlast(3).catch(() => undefined);
    expect(running(s)).toContain('web 1');
  });

  it('turns red before an edge is replaced with a gap', async () => {
    const moments: string[] = [];
    const s = behindBalancer(startFirst(), HEALTH, {
      before: (action: Action) => {
        const isEdge = s.engine
          .actual()
          .containers.some((c) => c.edge && 'container' in action && c.id === action.container.id);
        if (isEdge && (action.kind === 'stop' || action.kind === 'disarm'))
          moments.push(`${action.kind} at ${heard(s)}`);
      },
    });
    const want = (edge: Partial<EdgeSetting>): void => {
      s.agent.wish = {
        ...s.agent.wish,
        more: { edge: { ...edgeSetting, mode: 'publish', health: HEALTH, ...edge } },
      };
    };
    want({});
    await deploy(s, web('1'));
    moments.length = 0;
    const startedMs = s.engine.now();
    want({ trustedProxies: ['10.0.0.0/8'] });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(moments).toEqual(['disarm at / 503, /web 503', 'stop at / 503, /web 503']);
    expect(s.engine.now() - startedMs).toBeGreaterThanOrEqual(2 * HEALTH.leadMs);
    expect(heard(s)).toBe('/ 200, /web 200');
  });

  it.each([
    ['stop-first', 'stop-first'],
    ['start-first', 'start-first'],
  ])('gives the lead before a service is scaled to nothing: %s', async (_, order) => {
    const moments: string[] = [];
    const s = behindBalancer(
      startFirst({ order }),
      HEALTH,
      watching(moments, () => s),
    );
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, compose: startFirst({ order, replicas: 0 }) };
    const startedMs = s.engine.now();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(moments).toEqual(['stop web at / 200, /web 503']);
    expect(s.engine.now() - startedMs).toBeGreaterThanOrEqual(HEALTH.leadMs);
  });

  it.each([
    ['stop-first', 'stop-first'],
    ['start-first', 'start-first'],
  ])('gives the lead before a service leaves the compose files: %s', async (_, order) => {
    const moments: string[] = [];
    const api = '  api:\n    image: org/api\n    restart: always\n    ports: ["81:7000"]\n';
    const s = behindBalancer(
      startFirst({ order, more: api }),
      HEALTH,
      watching(moments, () => s),
    );
    await deploy(s, { ...web('1'), api: 'org/api:1' });
    s.agent.wish = { ...s.agent.wish, compose: `services:\n${api}` };
    const startedMs = s.engine.now();
    expect(outcomesOf(await s.agent.settle())).toEqual({ api: 'converged' });
    expect(moments).toEqual(['stop web at / 200, /api 200, /web 503']);
    expect(s.engine.now() - startedMs).toBeGreaterThanOrEqual(HEALTH.leadMs);
  });

  it('gives the lead before it stops a container whose health check fails', async () => {
    const s = behindBalancer(STOP_FIRST, { ...HEALTH, leadMs: 60_000 });
    await deploy(s, web('sickens'));
    const startedMs = s.engine.now();
    await deploy(s, web('2'));
    expect(s.engine.now() - startedMs).toBeGreaterThan(100_000);
  });

  it('gives the lead before a service whose ports are those of the network that it joins', async () => {
    const moments: string[] = [];
    const s = behindBalancer(
      `
services:
  net: { image: org/api, restart: always, container_name: net, ports: ['80:7000'] }
  web: { image: org/web, restart: always, network_mode: 'container:net' }
`,
      HEALTH,
      watching(moments, () => s),
    );
    await deploy(s, { ...web('1'), net: 'org/api:1' });
    await deploy(s, { ...web('2'), net: 'org/api:1' });
    expect(moments).toEqual(['stop web at / 503, /net 200, /web 503']);
  });

  it('is no more red for the host than for its services, where the only one was renamed', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, compose: STOP_FIRST.replace('  web:', '  shop:') };
    await s.agent.settle();
    expect(heard(s)).toContain('/ 200');
  });

  it('waits for the lead after a rollback too', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    const said: string[] = [];
    s.agent.wish = { ...s.agent.wish, versions: web('unhealthy'), published: { serial: 2 } };
    for (let n = 0; n < 200; n += 1) {
      const plan = await s.agent.tick();
      said.push(`${outcomesOf(plan)['web'] ?? ''} at ${heard(s)}`);
      s.engine.advance(500);
    }
    const green = said.lastIndexOf('wait health at / 503, /web 503');
    expect(
      said.slice(green).filter((text) => text === 'wait lead at / 200, /web 200').length,
    ).toBeGreaterThan(15);
    expect(said.at(-1)).toBe('rolled-back unhealthy → 1 at / 200, /web 200');
  });

  it.each<[string, HealthSetting | undefined, (s: Scenario) => void]>([
    ['is not wanted any more', undefined, () => undefined],
    ['moves to the port of a program', { ...HEALTH, hostPort: 9001 }, (s) => s.engine.occupy(9001)],
    ['moves to the port of its service', { ...HEALTH, hostPort: 80 }, () => undefined],
  ])('closes once and is left alone if it %s, and opens at the next port', async (_, health, prepare) => {
    const s = behindBalancer(startFirst());
    await deploy(s, web('1'));
    prepare(s);
    wantHealth(s, health);
    await s.agent.settle();
    expect(heard(s)).toBe('');
    s.since();
    await s.agent.settle();
    expect(s.since()).toEqual([]);
    wantHealth(s, { ...HEALTH, hostPort: 9002 });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(heard(s)).toBe('/ 200, /web 200');
  });

  const API = `  api:
    image: org/api
    restart: always
    ports: [{ target: 8888, published: 81 }]
    deploy: { update_config: { order: start-first, monitor: 1s } }
`;
  const DIRECT = API.replace('start-first', 'stop-first');
  const BOTH = { ...web('1'), api: 'org/api:1' };
  it.each<[string, string, string, string]>([
    [
      'turns stop-first',
      startFirst({ more: API }),
      startFirst({ more: DIRECT }),
      '/ 200, /api 200, /web 200',
    ],
    ['leaves, start-first', startFirst({ more: API }), startFirst(), '/ 200, /web 200'],
    ['leaves, stop-first', startFirst({ more: DIRECT }), startFirst(), '/ 200, /web 200'],
    [
      'has no replicas any more',
      startFirst({ more: API }),
      startFirst({ more: API.replace('{ update', '{ replicas: 0, update') }),
      '/ 200, /api 503, /web 200',
    ],
    [
      'publishes no port any more',
      startFirst({ more: API }),
      startFirst({ more: API.replace(/ {4}ports.*\n/, '') }),
      '/ 200, /api 200, /web 200',
    ],
  ])('counts no port of a service that %s', async (_, before, after, expected) => {
    const s = behindBalancer(before);
    await deploy(s, BOTH);
    expect(heard(s)).toBe('/ 200, /api 200, /web 200');
    s.agent.wish = { ...s.agent.wish, compose: after };
    await s.agent.settle();
    expect(heard(s)).toBe(expected);
  });

  it('counts the port of the first good release, although the edge is older', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    const [name = ''] = s.engine.actual().containers.flatMap((c) => (c.owner ? [c.name] : []));
    s.engine.byHand.stop(name);
    expect(heard(s)).toBe('/ 503, /web 503');
  });

  it('answers the same from both edges while one takes over from the other', async () => {
    const moments = new Set<string>();
    const s = behindBalancer(startFirst({ more: DIRECT }));
    await deploy(s, BOTH);
    const drain = { reason: 'kernel', owner: 'ops', sinceMs: 0, untilMs: undefined };
    wantHealth(s, HEALTH, { trustedProxies: ['10.0.0.0/8'] });
    for (let n = 0; n < 400; n += 1) {
      const edges = s.engine.actual().containers.filter((c) => c.edge && c.state === 'running');
      if (edges.length > 1) s.agent.ledger = { ...s.agent.ledger, drain };
      await s.agent.tick();
      moments.add(heard(s));
      s.engine.advance(100);
    }
    expect([...moments]).toEqual(['/ 200, /api 200, /web 200', '/ 503, /api 503, /web 503']);
  });

  it.each(['stop-first', 'start-first'])(
    'keeps its port, and a service in service that is to move there: %s',
    async (order) => {
      const s = behindBalancer(startFirst({ order }));
      await deploy(s, web('1'));
      const ports = '[{ target: 8888, published: 9000, app_protocol: http }]';
      s.agent.wish = { ...s.agent.wish, compose: startFirst({ order, ports }) };
      const plan = await deploy(s, web('2'));
      expect(plan.services[0]?.decision).toMatchObject({
        kind: 'blocked',
        message: 'port 9000/tcp of SUPERCARGO_HEALTH_LISTEN is taken by the service web',
      });
      expect(running(s)).toContain('web 1');
      expect(heard(s)).toBe('/ 200, /web 200');
    },
  );

  it('turns red when the health check of a good container fails', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('sickens'));
    s.engine.advance(5_000);
    await s.agent.settle();
    expect(heard(s)).toBe('/ 503, /web 503');
  });
});

const crashed = async (compose = STOP_FIRST): Promise<Scenario> => {
  const s = behindBalancer(compose);
  s.engine.registry.push('org/web:late');
  await deploy(s, web('late'));
  s.engine.advance(60_000);
  await s.agent.tick();
  s.engine.registry.push('org/web:late', { deaf: true });
  const { name = '' } = s.engine.actual().containers.find((o) => o.owner) ?? {};
  s.engine.byHand.kill(name);
  s.engine.advance(1_000);
  return s;
};
/** What the agent lets load balancers hear; HAProxy itself also finds a closed port. */
const told = (s: Scenario): string =>
  s.engine
    .actual()
    .edges.flatMap(({ state }) => Object.entries(state?.answers ?? {}))
    .map(([service, { isUp }]) => `/${service} ${isUp ? '200' : '503'}`)
    .toSorted()
    .join(', ');

const toldIn = async (s: Scenario, ticks: number): Promise<readonly string[]> => {
  const all = new Set<string>();
  for (let n = 0; n < ticks; n += 1) {
    await s.agent.tick();
    s.engine.advance(100);
    all.add(told(s));
  }
  return [...all];
};

describe('a container that is started again', () => {
  it('is not ready before it answers, however long that takes, and green a lead before the host is done', async () => {
    const s = await crashed();
    expect(running(s)).toContain('web late');
    expect(await toldIn(s, 200)).toEqual(['/ 503, /web 503']);
    s.engine.registry.push('org/web:late');
    await s.agent.tick();
    const backMs = s.engine.now();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(heard(s)).toBe('/ 200, /web 200');
    expect(s.engine.now() - backMs).toBeGreaterThanOrEqual(HEALTH.leadMs);
  });

  it('stays as load balancers hear it for an agent that began later, as long as no probe fails', async () => {
    const s = await crashed();
    s.agent.wish = {
      ...s.agent.wish,
      more: { ...s.agent.wish.more, watchingSinceMs: s.engine.now() },
    };
    expect(await toldIn(s, 20)).toEqual(['/ 200, /web 200']);
    const id = s.engine.actual().containers.find((o) => o.owner)?.id ?? '';
    s.agent.wish = { ...s.agent.wish, more: { ...s.agent.wish.more, unanswered: { [id]: 'refused' } } };
    expect((await toldIn(s, 20)).at(-1)).toBe('/ 503, /web 503');
    s.agent.wish = { ...s.agent.wish, more: { ...s.agent.wish.more, unanswered: {} } };
    expect(await toldIn(s, 20)).toEqual(['/ 503, /web 503']);
  });
});

describe('a drained host', () => {
  const drained = { reason: 'kernel', owner: 'ops', sinceMs: 0, untilMs: undefined };
  const drain = (s: Scenario, untilMs?: number): void => {
    s.agent.ledger = { ...s.agent.ledger, drain: { ...drained, untilMs } };
  };

  it.each([
    ['stop-first', STOP_FIRST],
    ['start-first', startFirst()],
  ])('turns red, lets connections end, stops, and comes back: %s', async (_, compose) => {
    const s = behindBalancer(compose);
    await deploy(s, web('1'));
    s.since();
    drain(s);
    const startedMs = s.engine.now();
    const plan = await s.agent.settle();
    expect(outcomesOf(plan)).toEqual({ web: 'wait drained' });
    expect(heard(s)).toBe('/ 503, /web 503');
    expect(running(s).filter((name) => name.startsWith('web'))).toEqual([]);
    const [first, ...steps] = s.since();
    expect(first).toBe('edge-answer / 503, /web 503');
    expect(steps.slice(-2)).toEqual(['disarm web 1', 'stop web 1']);
    expect(s.engine.now() - startedMs).toBeGreaterThanOrEqual(HEALTH.leadMs);
    s.engine.restartDaemon();
    await s.agent.settle();
    expect(running(s).filter((name) => name.startsWith('web'))).toEqual([]);

    s.agent.ledger = { ...s.agent.ledger, drain: undefined };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(heard(s)).toBe('/ 200, /web 200');
    expect(s.since().filter((step) => /^(create|remove|pull) /.test(step))).toEqual([]);
    const web1 = s.engine.actual().containers.find((c) => c.owner?.service === 'web');
    expect(web1?.detail?.restart.name).toBe('always');
    expect(s.agent.ledger.services['web']?.drains).toEqual({});
  });

  it.each([
    ['stop-first', STOP_FIRST],
    ['start-first', startFirst()],
  ])('is red after its return until the service answers: %s', async (_, compose) => {
    const s = behindBalancer(compose);
    s.engine.registry.push('org/web:late');
    await deploy(s, web('late'));
    drain(s);
    await s.agent.settle();
    s.engine.registry.push('org/web:late', { deaf: true });
    s.agent.ledger = { ...s.agent.ledger, drain: undefined };
    const heardMeanwhile = new Set<string>();
    for (let n = 0; n < 200; n += 1) {
      await s.agent.tick();
      s.engine.advance(100);
      heardMeanwhile.add(heard(s));
    }
    expect([...heardMeanwhile]).toEqual(['/ 503, /web 503']);
    expect(running(s)).toContain('web late');
    s.engine.registry.push('org/web:late');
    await s.agent.tick();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(heard(s)).toBe('/ 200, /web 200');
  });

  it('goes on where no edge runs: load balancers find the port closed', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    wantTakenPort(s);
    const edge = s.engine.actual().containers.find((c) => c.edge)?.name ?? '';
    s.engine.byHand.remove(edge);
    s.agent.ledger = { ...s.agent.ledger, drain: { ...drained, sinceMs: s.engine.now() } };
    await s.agent.tick();
    expect(running(s)).toContain('web 1');
    s.engine.advance(HEALTH.leadMs);
    await s.agent.settle();
    expect(running(s)).toEqual([]);
  });

  it('goes on although another program has the port of the endpoint', async () => {
    const s = behindBalancer(startFirst());
    await deploy(s, web('1'));
    s.engine.occupy(9001);
    wantHealth(s, { ...HEALTH, hostPort: 9001 });
    await s.agent.settle();
    s.agent.ledger = { ...s.agent.ledger, drain: { ...drained, sinceMs: s.engine.now() } };
    await s.agent.tick();
    expect(running(s)).toContain('web 1');
    s.engine.advance(HEALTH.leadMs);
    await s.agent.settle();
    expect(running(s)).not.toContain('web 1');
  });

  it('comes back by itself when its time is over', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    drain(s, s.engine.now() + 60_000);
    await s.agent.settle();
    expect(running(s).some((name) => name.startsWith('web'))).toBe(false);
    s.engine.advance(60_000);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('begins nothing, and finishes what has begun', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    for (let n = 0; n < 50 && !s.agent.steps.includes('create web 2'); n += 1) await s.agent.tick();
    drain(s);
    await s.agent.settle();
    expect(s.agent.ledger.services['web']?.good[0]?.release.version).toBe('2');
    s.since();
    expect(outcomesOf(await deploy(s, web('3')))).toEqual({ web: 'wait drained' });
    expect(s.since()).toEqual(['pull org/web:3']);
  });

  it('says one cause although it is held too', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    drain(s);
    s.agent.ledger = {
      ...s.agent.ledger,
      hold: { reason: 'x', owner: 'ops', sinceMs: 0, untilMs: undefined, all: false },
    };
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'wait drained' });
  });

  it('stops what others need after them, and what is not reached from outside last', async () => {
    const s = behindBalancer(
      startFirst({
        order: 'stop-first',
        more: '  db:\n    image: org/api\n    restart: always\n',
      }),
    );
    await deploy(s, { ...web('1'), db: 'org/api:1' });
    s.since();
    drain(s);
    await s.agent.settle();
    expect(s.since().filter((step) => step.startsWith('stop'))).toEqual(['stop web 1', 'stop db 1']);
  });

  it.each([
    [
      'one that is reached needs nothing, another needs it through a third',
      { db: ['80:1'], cache: [], worker: [] },
      { cache: ['db'], worker: ['cache'] },
    ],
    ['two pairs', { b: ['80:1'], d: ['81:1'], a: [], x: [] }, { a: ['b'], x: ['d'] }],
  ] as const)('stops everything in the end: %s', async (_, services, needs) => {
    const compose = Object.entries(services).map(
      ([name, ports]) =>
        `  ${name}: { image: org/api, restart: always, ports: ${JSON.stringify(ports)}, ` +
        `depends_on: ${JSON.stringify((needs as Record<string, readonly string[]>)[name] ?? [])} }`,
    );
    const s = behindBalancer(`services:\n${compose.join('\n')}\n`);
    await deploy(s, Object.fromEntries(Object.keys(services).map((name) => [name, 'org/api:1'])));
    expect(running(s)).toHaveLength(compose.length + 1);
    drain(s);
    await s.agent.settle();
    expect(running(s).filter((name) => name.endsWith(' 1'))).toEqual([]);
  });

  it('stops services that left the compose files, although a hold keeps them', async () => {
    const s = behindBalancer(STOP_FIRST);
    await deploy(s, web('1'));
    s.agent.ledger = {
      ...s.agent.ledger,
      hold: { reason: 'x', owner: 'ops', sinceMs: 0, untilMs: undefined, all: false },
    };
    s.agent.wish = { ...s.agent.wish, compose: 'services:\n  api: { image: org/api }\n' };
    drain(s);
    expect(outcomesOf(await s.agent.settle())).toMatchObject({ web: 'wait drained' });
    expect(running(s)).not.toContain('web 1');
    expect(heard(s)).toContain('/web 503');
  });

  it('says so if a container stays that is not taken over yet', async () => {
    const s = behindBalancer(STOP_FIRST.replace('drain: 2s', 'drain: 2s, replaces: old'));
    s.engine.byHand.run({ name: 'old', image: 'org/web:1', restart: 'always', port: 80 });
    drain(s);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked adoption' });
    expect(running(s)).toContain('old');
  });

  it('starts a service again that ended with 0 when it was stopped', async () => {
    const s = behindBalancer(STOP_FIRST.replace('restart: always', "restart: 'no'"));
    await deploy(s, web('1'));
    drain(s);
    await s.agent.settle();
    s.agent.ledger = { ...s.agent.ledger, drain: undefined };
    await s.agent.settle();
    expect(running(s)).toContain('web 1');
  });
});
