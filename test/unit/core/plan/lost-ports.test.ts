import { describe, expect, it } from 'vitest';
import type { Container, Network } from '../../../../src/core/state/actual.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, running, scenario, web, WEB, type Scenario } from './scenario.ts';

const TYPED = `${WEB}    networks: [back]\nnetworks: {back: {}}\n`;

const deployed = async (compose = TYPED): Promise<Scenario> => {
  const s = scenario(compose, { 'org/web:1': {}, 'org/web:2': {} });
  await deploy(s, web('1'));
  s.since();
  return s;
};

/** The engine joined its network without the ports, as while another program has one. */
const losePorts = ({ engine }: Scenario, change: Partial<Container> = {}): void => {
  engine.byHand.change(engine.actual().containers[0]?.name ?? '', { ports: [], ...change });
};

describe('a container that runs without a port that it publishes', () => {
  it('is replaced by one that has it', async () => {
    const s = await deployed();
    losePorts(s);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([
      'create web 1 unarmed',
      'disarm web 1',
      'stop web 1',
      'rename web 1 test-web-aside-#',
      'rename web 1 test-web-1-#',
      'arm web 1',
      'start web 1',
      'remove web 1',
    ]);
    expect(s.engine.actual().containers.map((c) => c.ports.map((p) => p.hostPort))).toEqual([[80]]);
  });

  it('runs on while another program has the port, and is replaced afterwards', async () => {
    const s = await deployed();
    losePorts(s);
    s.engine.occupy(80);
    const taken = await s.agent.settle();
    expect(outcomesOf(taken)).toEqual({ web: 'blocked port' });
    expect(JSON.stringify(taken)).toContain('port is already allocated: 80');
    expect(new Set(s.since())).toEqual(new Set(['create web 1 unarmed ✗ PORT_TAKEN']));
    expect(running(s)).toEqual(['web 1']);
    s.engine.release(80);
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
  });

  it('runs on while a container has the port, and the message names that', async () => {
    const s = await deployed();
    losePorts(s);
    s.engine.byHand.run({ name: 'thief', port: 80 });
    const taken = await s.agent.settle();
    expect(outcomesOf(taken)).toEqual({ web: 'blocked port' });
    expect(JSON.stringify(taken)).toContain('port 80/tcp is taken by the foreign container thief');
    expect([s.since(), running(s)]).toEqual([[], ['thief', 'web 1']]);
    s.engine.byHand.remove('thief');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('joins a network that it lacks first, which may bring the port back', async () => {
    const s = await deployed();
    s.engine.byHand.disconnect(s.engine.actual().containers[0]?.name ?? '', 'test_back');
    losePorts(s);
    await s.agent.tick();
    expect(s.since()).toEqual(['connect web 1 test_back']);
  });
});

const back = (publishes: Network['publishes'], more: Partial<Network> = {}): Partial<Network> => ({
  ...(publishes && { publishes }),
  ...more,
});
const V4 = { subnets: ['10.3.0.0/24'] };
const V6 = { subnets: ['fd00::/64'] };

describe('a port that is not there', () => {
  it.each<[string, string, Partial<Network>, 'lost' | 'as it should be']>([
    ['on a bridge', TYPED, back(undefined), 'lost'],
    ['of a range', TYPED.replace('80:8888', '80-82:8888-8890'), back(undefined), 'lost'],
    ['on an IPv6 address of an IPv6 network', TYPED.replace('80:', '[::1]:80:'), back(undefined, V6), 'lost'],
    ['on every address of an IPv6 network', TYPED, back(undefined, V6), 'lost'],
    ['on an IPv6 address', TYPED.replace('80:', '[::1]:80:'), back(undefined, V4), 'as it should be'],
    ['on an internal network', TYPED, back('never'), 'as it should be'],
    ['on a network of another driver', TYPED, back('unknown'), 'as it should be'],
    ['that the engine chooses', TYPED.replace('80:', ''), back(undefined), 'as it should be'],
  ])('%s', async (_, compose, network, is) => {
    const s = await deployed(compose);
    const { networks } = s.engine.actual();
    const changed = networks.map((n) => ({ ...n, ...network }));
    for (const n of networks) s.engine.byHand.removeNetwork(n.name);
    for (const n of changed) s.engine.byHand.putNetwork(n);
    losePorts(s);
    expect(outcomesOf(await s.agent.plan())).toEqual({
      web: is === 'lost' ? 'act create' : 'converged',
    });
  });

  it('of a container that does not run, is paused or restarts says nothing', async () => {
    for (const state of ['exited', 'paused', 'restarting'] as const) {
      const s = await deployed();
      losePorts(s, { state });
      await s.agent.tick();
      expect(s.since().filter((step) => step.startsWith('create'))).toEqual([]);
    }
  });
});
