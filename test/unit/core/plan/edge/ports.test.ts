import { HEALTH_OWNER } from '../../../../../src/core/edge/health-answer.ts';
import { describe, expect, it } from 'vitest';
import type { OtherOwner } from '../../../../../src/core/state/actual.ts';
import { edgeSetting } from '../../../../support/world.ts';
import { createSimulatedAgent, outcomesOf } from '../../../../support/simulated-agent.ts';
import { deploy, web, type Scenario } from '../scenario.ts';
import { deployed, recompose, rotation, scene, startFirst } from './scenes.ts';

const API = `
  api:
    image: org/api
    restart: always
    ports: [{ target: 7000, published: 81 }]
    deploy: { update_config: { order: start-first, monitor: 1s } }
    x-supercargo: { drain: 2s }`;
const TWO = startFirst({ more: API });
const versions = { ...web('1'), api: 'org/api:1' };

const edgeName = ({ engine }: Scenario): string => engine.actual().containers.find((c) => c.edge)?.name ?? '';
const messages = async (s: Scenario): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    (await s.agent.settle()).services.map((p) => [
      p.service,
      'message' in p.decision ? p.decision.message : p.decision.kind,
    ]),
  );

/** Another environment's edge listens on the port: the engine knows its container, the host its listener. */
const otherEdge = (
  s: Scenario,
  { port = 80, address = '', ...owner }: Partial<OtherOwner> & { port?: number; address?: string } = {},
): void => {
  const edgePorts = [{ hostAddress: address, hostPort: port, protocol: 'tcp', service: 'shop' }];
  const otherOwner = { isEdge: true, edgePorts, ...owner };
  s.engine.byHand.run({ name: 'b-edge-1', otherEnvironment: 'b', otherOwner });
  s.engine.occupy(port, address);
};

const SHOP = 'port 80/tcp is taken by the service shop of the environment b (its edge b-edge-1)';

describe('a port that another environment took while the edge was away', () => {
  it('blocks its own service, and every other port is served again', async () => {
    const s = await deployed(TWO, versions);
    s.engine.byHand.kill(edgeName(s));
    otherEdge(s);
    expect(await messages(s)).toEqual({ web: SHOP, api: 'converged' });
    expect(rotation(s.engine)).toEqual(['api:7000 api 1 ready [api 1]']);
  });

  it('is found out although the edge has been killed often before', async () => {
    const s = await deployed(TWO, versions);
    for (let n = 0; n < 4; n += 1) {
      s.engine.byHand.kill(edgeName(s));
      await s.agent.settle();
      s.engine.advance(2_000);
    }
    s.engine.byHand.kill(edgeName(s));
    otherEdge(s);
    s.engine.advance(5_000);
    expect(await messages(s)).toEqual({ web: SHOP, api: 'converged' });
  });

  it('comes back once it is free', async () => {
    const s = await deployed(TWO, versions);
    s.engine.byHand.kill(edgeName(s));
    otherEdge(s);
    await s.agent.settle();
    s.engine.release(80);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged', api: 'converged' });
    expect(rotation(s.engine)).toEqual(['api:7000 api 1 ready, web:8888 web 1 ready [api 1, web 1]']);
  });

  it('is no port of the edge that the last service leaves', async () => {
    const s = await deployed();
    s.engine.byHand.kill(edgeName(s));
    otherEdge(s);
    expect(await messages(s)).toEqual({ web: SHOP });
    expect(s.engine.actual().containers.filter((c) => c.edge)).toEqual([]);
    s.engine.release(80);
    s.engine.byHand.remove('b-edge-1');
    expect(await messages(s)).toEqual({ web: 'converged' });
  });

  it('lets the other ports of its service go on', async () => {
    const s = await deployed(
      startFirst({ replicas: 2, ports: '["80:8888", "82:9999"]', more: API }),
      versions,
    );
    s.engine.byHand.kill(edgeName(s));
    otherEdge(s);
    expect(await messages(s)).toEqual({ web: SHOP, api: 'converged' });
    const gone = s.engine.actual().containers.find((c) => c.owner?.replica === 2);
    s.engine.byHand.remove(gone?.name ?? '');
    expect(await messages(s)).toEqual({ web: SHOP, api: 'converged' });
    expect(rotation(s.engine)).toEqual([
      'api:7000 api 1 ready, web:9999 web 1 ready, web:9999 web.2 1 ready [api 1, web 1, web.2 1]',
    ]);
  });

  it('stays taken whatever else its service waits for', async () => {
    const s = await deployed(TWO, versions);
    s.engine.byHand.kill(edgeName(s));
    otherEdge(s);
    await s.agent.settle();
    expect(outcomesOf(await deploy(s, { ...versions, ...web('crashing') }))).toMatchObject({
      web: 'blocked port',
    });
    expect(outcomesOf(await deploy(s, { ...versions, ...web('2') }))).toEqual({
      web: 'blocked port',
      api: 'converged',
    });
  });
});

describe('a port that is asked for where another environment has it', () => {
  it('goes to one of two that start at once, and is asked for again by the other', async () => {
    const s = scene(TWO);
    s.agent.wish = { ...s.agent.wish, versions, published: { serial: 1 } };
    while (s.agent.steps.at(-1) !== 'create-edge') await s.agent.tick();
    otherEdge(s);
    expect(await messages(s)).toEqual({ web: SHOP, api: 'converged' });
    expect(rotation(s.engine)).toEqual(['api:7000 api 1 ready [api 1]']);
  });

  it('changes nothing for the ports that are served', async () => {
    const s = await deployed(startFirst({ ports: '["83:8888"]', more: API }), versions);
    otherEdge(s);
    const before = edgeName(s);
    expect(outcomesOf(await recompose(s, TWO))).toEqual({ web: 'blocked port', api: 'converged' });
    expect(edgeName(s)).toBe(before);
    expect(rotation(s.engine)).toEqual(['api:7000 api 1 ready, web:8888 web 1 ready [api 1, web 1]']);
    expect(outcomesOf(await deploy(s, { ...versions, api: 'org/api:2' }))).toEqual({
      web: 'blocked port',
      api: 'converged',
    });
  });

  it.each<[string, (s: Scenario) => void, string]>([
    [
      'its container publishes it',
      ({ engine }) =>
        engine.byHand.run({
          name: 'b-shop-1',
          port: 80,
          otherEnvironment: 'b',
          otherOwner: { service: 'shop', isEdge: false, edgePorts: [] },
        }),
      'port 80/tcp is taken by the service shop of the environment b (b-shop-1)',
    ],
    [
      'it is the health endpoint of another environment',
      (s) =>
        otherEdge(s, {
          edgePorts: [{ hostAddress: '', hostPort: 80, protocol: 'tcp', service: HEALTH_OWNER }],
        }),
      'port 80/tcp is taken by the health endpoint of the environment b (its edge b-edge-1)',
    ],
    ['its edge has it on one address', (s) => otherEdge(s, { address: '127.0.0.7' }), SHOP],
    [
      'an agent made its edge that did not write down where it listens',
      (s) => otherEdge(s, { edgePorts: [] }),
      'port 80/tcp is taken by another program of this host (user id 1234)',
    ],
  ])('says by whom it is taken: %s', async (_what, take, message) => {
    const s = scene();
    take(s);
    await deploy(s, web('1'));
    expect(await messages(s)).toEqual({ web: message });
  });

  it('is known by what the other edge says of itself where the listeners of the host cannot be seen', async () => {
    const s = scene();
    s.engine.hideListeners();
    otherEdge(s);
    await deploy(s, web('1'));
    expect(await messages(s)).toEqual({ web: SHOP });
  });
});

describe('a port that a stop-first service wants, and the edge of another environment has', () => {
  it('stops nothing for it', async () => {
    const s = await deployed(startFirst({ order: 'stop-first', ports: '["84:8888"]' }));
    otherEdge(s);
    await recompose(s, startFirst({ order: 'stop-first', ports: '["80:8888"]' }));
    expect(await messages(s)).toEqual({
      web: 'port 80/tcp is taken by the service shop of the environment b (its edge b-edge-1)',
    });
    expect(s.since().filter((step) => step.startsWith('stop'))).toEqual([]);
  });
});

describe('a port that two edges of older agents share', () => {
  it('is told, and nothing is touched for it', async () => {
    const before = await deployed(TWO, versions);
    // The next agent looks at everything once.
    const agent = createSimulatedAgent(before.engine, before.agent.wish, { ledger: before.agent.ledger });
    const s: Scenario = { ...before, agent };
    otherEdge(s);
    expect(await messages(s)).toEqual({
      web: 'port 80/tcp is answered by the service shop of the environment b (its edge b-edge-1) too: each connection goes to one of the two',
      api: 'converged',
    });
    expect(agent.steps).toEqual([]);
    s.engine.release(80);
    expect(await messages(s)).toEqual({ web: 'converged', api: 'converged' });
  });
});

const at = (address: string): string => startFirst({ ports: `["${address}80:8888"]`, more: API });

describe('a port that moves between one address and all of them', () => {
  it.each([
    ['to all', '127.0.0.1:', ''],
    ['to one', '', '127.0.0.1:'],
  ])('is let go before it is bound again, and no other port with it: %s', async (_what, from, to) => {
    const s = await deployed(at(from), versions);
    expect(outcomesOf(await recompose(s, at(to)))).toEqual({ web: 'converged', api: 'converged' });
    expect(s.agent.steps.filter((step) => step.includes('✗'))).toEqual([]);
    expect(rotation(s.engine)).toEqual(['api:7000 api 1 ready, web:8888 web 1 ready [api 1, web 1]']);
    const starts = s.since().filter((step) => /^(edge-close|create-edge|leave-edge)/.test(step));
    expect(starts).toEqual(['edge-close 80', 'create-edge beside the last', 'leave-edge']);
  });

  it('moves to a service that wants it on one address from one that lets all of them go', async () => {
    const before = at('');
    const after = startFirst({
      ports: '["84:8888"]',
      more: API.replace('{ target: 7000, published: 81 }', '"127.0.0.1:80:7000"'),
    });
    const s = await deployed(before, versions);
    expect(outcomesOf(await recompose(s, after))).toEqual({ web: 'converged', api: 'converged' });
  });
});

describe('an edge that was made while the one before was away', () => {
  it('takes the ports over from that once it is back', async () => {
    const s = await deployed(TWO, versions);
    s.engine.byHand.silence(true);
    const more = startFirst({ ports: '["80:8888", "84:8888"]', more: API });
    s.agent.wish = { ...s.agent.wish, compose: more };
    for (let n = 0; n < 50; n += 1) await s.agent.tick();
    expect(s.engine.actual().containers.filter((c) => c.edge)).toHaveLength(1);
    s.engine.byHand.silence(false);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged', api: 'converged' });
  });

  it('makes room for another one where it does not know that', async () => {
    const s = await deployed(TWO, versions);
    const first = edgeName(s);
    s.agent.wish = {
      ...s.agent.wish,
      compose: startFirst({ ports: '["80:8888", "84:8888"]', more: API }),
    };
    while (!s.agent.steps.at(-1)?.startsWith('create-edge')) await s.agent.tick();
    const second = s.engine.actual().containers.find((c) => c.edge && c.name !== first);
    s.engine.byHand.change(second?.name ?? '', {
      edge: { instance: second?.edge?.instance ?? '', shape: second?.edge?.shape ?? '' },
    });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged', api: 'converged' });
  });

  it('takes none over from one in a network of its own, which ends first', async () => {
    const s = scene(TWO);
    s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, mode: 'publish' } } };
    await deploy(s, versions);
    s.since();
    s.agent.wish = { ...s.agent.wish, more: { edge: edgeSetting } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged', api: 'converged' });
    const steps = s.since();
    expect(steps).toContain('create-edge');
    expect(steps.indexOf('stop edge')).toBeLessThan(steps.indexOf('start edge'));
  });
});

describe('an address that the host does not have', () => {
  const BAD = startFirst({ ports: '["192.0.2.9:80:8888"]', more: API });
  const ABSENT = 'port 80/tcp cannot be opened at 192.0.2.9: this host does not have that address';

  it.each(['host', 'publish'] as const)(
    'blocks its own service alone, with an edge in %s mode',
    async (mode) => {
      const s = scene(BAD);
      s.engine.occupy(22);
      s.engine.setAbsent(['192.0.2.9']);
      s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, mode } } };
      await deploy(s, versions);
      expect(await messages(s)).toEqual({ web: ABSENT, api: 'converged' });
      expect(rotation(s.engine)).toEqual(['api:7000 api 1 ready [api 1]']);
    },
  );

  it('is used once the host has it', async () => {
    const s = scene(BAD);
    s.engine.occupy(22);
    s.engine.setAbsent(['192.0.2.9']);
    await deploy(s, versions);
    s.engine.setAbsent([]);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged', api: 'converged' });
  });

  it('lost while the edge is away, takes only its own service down', async () => {
    const s = await deployed(BAD, versions);
    s.engine.occupy(22);
    s.engine.setAbsent(['192.0.2.9']);
    s.engine.byHand.kill(edgeName(s));
    expect(await messages(s)).toEqual({ web: ABSENT, api: 'converged' });
  });
});
