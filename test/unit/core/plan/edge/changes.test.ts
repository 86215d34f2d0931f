import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../../support/simulated-agent.ts';
import { parseImage } from '../../../../../src/core/image/reference.ts';
import { edgeSetting } from '../../../../support/world.ts';
import { deploy, running, web, type Scenario } from '../scenario.ts';
import { byName, deployed, recompose, rotation, scene, startFirst } from './scenes.ts';

const STOP_FIRST = startFirst({ order: 'stop-first' });
const port = (published: number, target = 8888): string =>
  startFirst({ ports: `[{ target: ${String(target)}, published: ${String(published)} }]` });

const edges = ({ engine }: Scenario) => engine.actual().containers.filter((c) => c.edge);
/** Host ports that the edges listen on. */
const listening = (s: Scenario): readonly number[] =>
  s.engine
    .actual()
    .edges.flatMap((e) => (e.state?.frontends ?? []).map((f) => f.hostPort))
    .toSorted((a, b) => a - b);
const told = (s: Scenario, steps: RegExp): readonly string[] => s.since().filter((step) => steps.test(step));

describe('a service that changes its order', () => {
  it('from stop-first has everything for the edge here before it lets its port go', async () => {
    const s = await deployed(STOP_FIRST);
    const plan = await recompose(s, startFirst());
    expect(s.since()).toEqual([
      'create-network test_edge',
      'create web 1',
      'pull haproxy:3.2',
      'start web 1',
      // Without ports: it shows that the image is good.
      'edge-write ',
      'create-edge',
      'start edge',
      'disarm web 1',
      'stop web 1',
      'edge-write web:8888=web 1',
      'create-edge',
      'start edge',
      'remember web 1',
      'disarm edge',
      'remove web 1',
      'leave-edge',
      'remove edge',
      'edge-discard',
    ]);
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready [web 1]']);
  });

  it('to stop-first waits until the edge has let its port go', async () => {
    const s = await deployed();
    const plan = await recompose(s, STOP_FIRST);
    expect(s.since()).toEqual([
      'create web 1 unarmed',
      'disarm edge',
      'leave-edge',
      'disarm web 1',
      'remove edge',
      'edge-discard',
      'stop web 1',
      'arm web 1',
      'start web 1',
      'remember web 1',
      'remove web 1',
      'remove-network test_edge',
    ]);
    expect(outcomesOf(plan)).toEqual({ web: 'converged' });
  });

  it.each([
    ['stop-first to the edge', STOP_FIRST, startFirst()],
    ['the edge to stop-first', startFirst(), STOP_FIRST],
    ['its name to the edge', byName(), startFirst()],
    ['the edge to its name', startFirst(), byName()],
    ['its name to stop-first', byName(), byName('stop-first')],
  ])('from %s goes back when the new release is bad, and nothing of it is left', async (_, from, to) => {
    const s = await deployed(from);
    s.agent.wish = { ...s.agent.wish, compose: to };
    expect(outcomesOf(await deploy(s, web('unhealthy')))).toEqual({ web: 'rolled-back unhealthy → 1' });
    expect(running(s).filter((name) => name.startsWith('web'))).toEqual(['web 1']);
    expect(edges(s)).toHaveLength(from === startFirst() ? 1 : 0);
    expect(listening(s)).toEqual(from === startFirst() ? [80] : []);
  });
});

const slow = (published: number): string =>
  startFirst({ ports: `["${String(published)}:8888"]`, drain: '30s' });

describe('ports of a service behind the edge', () => {
  it('move to another edge beside the last when one is added', async () => {
    const s = await deployed(port(80));
    const two = startFirst({ ports: '[{ target: 8888, published: 80 }, { target: 8888, published: 81 }]' });
    expect(outcomesOf(await recompose(s, two))).toEqual({ web: 'converged' });
    expect(told(s, /edge$|edge beside/)).toEqual([
      'create-edge beside the last',
      'start edge',
      'disarm edge',
      'leave-edge',
      'remove edge',
    ]);
    expect(listening(s)).toEqual([80, 81]);
  });

  it.each([
    // The old port stays until the old one is gone.
    ['another host port', port(81), [81], ['create-edge beside the last', 'edge-close 80']],
    ['another container port', port(80, 9999), [80], ['create-edge beside the last']],
    ['none', byName(), [], []],
  ])('can become %s, with at most one new edge', async (_, compose, ports, steps) => {
    const s = await deployed(port(80));
    expect(outcomesOf(await recompose(s, compose))).toEqual({ web: 'converged' });
    expect(told(s, /^(create-edge|edge-close)/)).toEqual(steps);
    expect(listening(s)).toEqual(ports);
  });

  it('can become fewer in the edge that runs', async () => {
    const two = startFirst({ ports: '[{ target: 8888, published: 80 }, { target: 8888, published: 81 }]' });
    const s = await deployed(two);
    expect(outcomesOf(await recompose(s, port(80)))).toEqual({ web: 'converged' });
    expect(told(s, /^(create-edge|edge-close)/)).toEqual(['edge-close 81']);
    expect(listening(s)).toEqual([80]);
    s.engine.byHand.kill(edges(s)[0]?.name ?? '');
    await s.agent.settle();
    expect([s.since(), listening(s)]).toEqual([[], [80]]);
  });

  it('can change again while the last change still drains: one new edge for each', async () => {
    const s = await deployed(slow(80));
    s.agent.wish = { ...s.agent.wish, compose: slow(81) };
    while (!s.agent.steps.includes('drain web 1')) await s.agent.tick();
    await recompose(s, slow(82));
    expect(told(s, /^create-edge/)).toHaveLength(2);
    expect(listening(s)).toEqual([82]);
  });

  it('stay as they are when the release that changes them is bad', async () => {
    const s = await deployed(port(80));
    s.agent.wish = { ...s.agent.wish, compose: port(81) };
    expect(outcomesOf(await deploy(s, web('unhealthy')))).toEqual({ web: 'rolled-back unhealthy → 1' });
    expect(told(s, /^create-edge/)).toEqual([]);
    expect(listening(s)).toEqual([80]);
  });
});

const withImage = (s: Scenario, mode: 'host' | 'publish'): void => {
  s.engine.registry.push('docker.io/library/haproxy:3.3');
  const image = { ...edgeSetting.image, reference: parseImage('docker.io/library/haproxy:3.3') };
  s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, mode, image } } };
};

describe('another image for the edge', () => {
  it('starts beside the last, which leaves when it answers', async () => {
    const s = await deployed();
    withImage(s, 'host');
    await s.agent.settle();
    expect(s.since()).toEqual([
      'pull haproxy:3.3',
      // Without ports: it shows that the image is good.
      'edge-write ',
      'create-edge',
      'start edge',
      'edge-write web:8888=web 1',
      'create-edge beside the last',
      'start edge',
      'disarm edge',
      'disarm edge',
      'leave-edge',
      'leave-edge',
      'remove edge',
      'remove edge',
      'edge-discard',
    ]);
  });

  it('waits for the ports of the last in publish mode, which goes once the image was seen running', async () => {
    const s = scene();
    s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, mode: 'publish' } } };
    await deploy(s, web('1'));
    s.since();
    withImage(s, 'publish');
    await s.agent.settle();
    const steps = s.since();
    expect(steps.slice(0, 6)).toEqual([
      'pull haproxy:3.3',
      'edge-write ',
      'create-edge',
      'start edge',
      'disarm edge',
      'disarm edge',
    ]);
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready [web 1]']);
    expect(edges(s)).toHaveLength(1);
  });
});

const member = (how: string, image: string): string => {
  const [order = '', published = ''] = how.split(' ');
  return `{image: ${image}, restart: always, ports: ['${published}:8888'], deploy: {update_config: {order: ${order}, monitor: 1s}}, x-supercargo: {drain: 1s, healthy-within: 5s}}`;
};

const pair = (one: string, two: string): string => `
services:
  one: ${member(one, 'org/web')}
  two: ${member(two, 'org/api')}
`;

describe('two services that swap their ports', () => {
  const orders = ['stop-first', 'start-first'] as const;
  const changes = orders.flatMap((a) =>
    orders.flatMap((b) => orders.flatMap((c) => orders.map((d) => [a, b, c, d] as const))),
  );

  it.each(changes)('%s and %s → %s and %s', async (a, b, c, d) => {
    const s = scene(pair(`${a} 80`, `${b} 81`));
    await deploy(s, { one: 'org/web:1', two: 'org/api:1' });
    const plan = await recompose(s, pair(`${c} 81`, `${d} 80`));
    expect(outcomesOf(plan)).toEqual({ one: 'converged', two: 'converged' });
    expect(running(s).filter((name) => name.includes(' '))).toEqual(['one 1', 'two 1']);
    expect(s.agent.steps.filter((step) => step.includes('✗'))).toEqual([]);
    const before = await s.agent.settle();
    expect(outcomesOf(before)).toEqual({ one: 'converged', two: 'converged' });
  });
});

const blocked = async (take: (s: Scenario) => void): Promise<{ s: Scenario; message: string }> => {
  const s = scene();
  take(s);
  const plan = await deploy(s, web('1'));
  const decision = plan.services[0]?.decision;
  return { s, message: decision?.kind === 'blocked' ? `${decision.reason}: ${decision.message}` : '' };
};

const at = (address: string): string => `["${address}:80:8888"]`;

const beside = (order: string, address: string): string => `
  api:
    image: org/api
    restart: always
    ports: ${at(address)}
    deploy: { update_config: { order: ${order}, monitor: 1s } }`;

describe('one port on several addresses of the host', () => {
  const versions = { ...web('1'), api: 'org/api:1' };

  it.each(['stop-first', 'start-first'])('belongs to a service on each: %s', async (order) => {
    const s = scene(startFirst({ ports: at('127.0.0.2'), more: beside(order, '127.0.0.1') }));
    expect(outcomesOf(await deploy(s, versions))).toEqual({ api: 'converged', web: 'converged' });
  });

  it.each(['stop-first', 'start-first'])('can be swapped between two services: %s', async (order) => {
    const s = await deployed(
      startFirst({ ports: at('127.0.0.2'), more: beside(order, '127.0.0.1') }),
      versions,
    );
    const swapped = startFirst({ ports: at('127.0.0.1'), more: beside(order, '127.0.0.2') });
    expect(outcomesOf(await recompose(s, swapped))).toEqual({ api: 'converged', web: 'converged' });
  });

  it('is told where somebody else has it on another address than ours', async () => {
    const s = await deployed(startFirst({ ports: at('127.0.0.1') }));
    s.engine.occupy(80, '127.0.0.7');
    const plan = await recompose(s, startFirst());
    expect(plan.services.map(({ decision }) => ('message' in decision ? decision.message : ''))).toEqual([
      'port 80/tcp is taken by another program of this host (user id 1234)',
    ]);
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready [web 1]']);
  });
});

describe('a port that somebody else has', () => {
  it('is told with the container that has it, and taken once that is gone', async () => {
    const { s, message } = await blocked(({ engine }) => engine.byHand.run({ name: 'squatter', port: 80 }));
    expect(message).toBe('port: port 80/tcp is taken by the foreign container squatter');
    s.engine.byHand.remove('squatter');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('is told where a program has it', async () => {
    const { s, message } = await blocked(({ engine }) => engine.occupy(80));
    expect(message).toBe('port: port 80/tcp is taken by another program of this host (user id 1234)');
    s.engine.release(80);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('is no reason to stop asking a new container whether it is ready', async () => {
    const { s } = await blocked(({ engine, agent }) => {
      engine.occupy(80);
      engine.registry.push('org/web:1');
      agent.wish = { ...agent.wish, compose: startFirst({ replicas: 2 }) };
    });
    // One of two has to prove itself again.
    s.engine.byHand.kill(s.engine.actual().containers.find((c) => c.owner?.replica === 2)?.name ?? '');
    for (let n = 0; n < 20; n += 1) {
      await s.agent.settle();
      s.engine.advance(1_000);
    }
    expect(s.agent.ledger.services['web']?.failure).toBeUndefined();
    s.engine.release(80);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('stays with the service that has it until that lets go', async () => {
    const api = `
  api:
    image: org/api
    ports: [{ target: 7000, published: PORT }]
    deploy: { update_config: { order: start-first, monitor: 1s } }`;
    const s = await deployed(startFirst({ more: api.replace('PORT', '81') }), {
      ...web('1'),
      api: 'org/api:1',
    });
    const swapped = startFirst({
      ports: '[{ target: 8888, published: 81 }]',
      more: api.replace('PORT', '80'),
    });
    expect(outcomesOf(await recompose(s, swapped))).toEqual({ api: 'converged', web: 'converged' });
    expect(listening(s)).toEqual([80, 81]);
  });
});
