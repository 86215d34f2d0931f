import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import type { SimulatedEngine } from '../../../support/simulated-engine.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, running, scenario, web } from './scenario.ts';

const COMPOSE = `
services:
  web:
    image: org/web:1
    restart: always
    mem_limit: 64m
    memswap_limit: 128m
    networks: [back]
networks: {back: {}}
`;

const ADDRESSED = `
services:
  web: {image: 'org/web:1', restart: always, networks: {back: {DECLARED}}}
networks: {back: {enable_ipv6: true, ipam: {config: [{subnet: 10.3.0.0/24}, {subnet: 'fd00::/64'}]}}}
`;

const deployed = async (compose = COMPOSE): Promise<ReturnType<typeof scenario>> => {
  const s = scenario(compose, { 'org/web:1': {}, 'org/web:2': {} });
  await s.agent.settle();
  s.since();
  return s;
};

const nameOf = (engine: SimulatedEngine): string => engine.actual().containers[0]?.name ?? '';

describe('drift is put back', () => {
  it.each<[string, (engine: SimulatedEngine, name: string) => void, readonly string[]]>([
    ['stopped', (e, name) => e.byHand.stop(name), ['start web 1']],
    ['paused', (e, name) => e.byHand.pause(name), ['unpause web 1']],
    ['removed', (e, name) => e.byHand.remove(name), ['create web 1', 'start web 1']],
    ['renamed', (e, name) => e.byHand.rename(name, 'other'), ['rename web 1 test-web-1-#']],
    ['disarmed', (e, name) => e.byHand.update(name, 'no'), ['arm web 1']],
    ['armed otherwise', (e, name) => e.byHand.update(name, 'unless-stopped'), ['arm web 1']],
    [
      'taken off its network',
      (e, name) => e.byHand.disconnect(name, 'test_back'),
      ['connect web 1 test_back'],
    ],
    [
      'taken off its network, which was removed then',
      (e, name) => {
        e.byHand.disconnect(name, 'test_back');
        e.byHand.removeNetwork('test_back');
      },
      ['create-network test_back', 'connect web 1 test_back'],
    ],
    [
      'taken off its network and put back without its names',
      (e, name) => e.byHand.reconnect(name, 'test_back'),
      ['rejoin web 1 test_back'],
    ],
    ['given other limits', (e, name) => e.byHand.limit(name, { memoryBytes: 1 }), ['limit web 1']],
    ['given other swap', (e, name) => e.byHand.limit(name, { memorySwapBytes: 1 }), ['limit web 1']],
    ['given a limit that nobody declared', (e, name) => e.byHand.limit(name, { cpuShares: 2 }), []],
    [
      'removed with its image and its network',
      (e, name) => {
        e.byHand.remove(name);
        e.byHand.removeNetwork('test_back');
        for (const { id } of e.actual().images) e.byHand.removeImage(id);
      },
      ['pull org/web:1', 'create-network test_back', 'create web 1', 'start web 1'],
    ],
    ['restarted with the whole engine', (e) => e.restartDaemon(), []],
  ])('%s', async (_, change, steps) => {
    const s = await deployed();
    change(s.engine, nameOf(s.engine));
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(steps);
    expect(running(s)).toEqual(['web 1']);
  });

  it.each([
    ['names', 'aliases: [api]', { aliases: ['web', 'api'] }],
    ['IPv4 address', 'ipv4_address: 10.3.0.9', { fixedIps: ['10.3.0.9'] }],
    ['IPv6 address', 'ipv6_address: "fd00::9"', { fixedIps: ['fd00::9'] }],
    ['link-local address', 'link_local_ips: [169.254.8.8]', { fixedIps: ['169.254.8.8'] }],
  ])(
    'a network that was joined by hand without the declared %s is joined again',
    async (_, declared, has) => {
      const s = await deployed(ADDRESSED.replace('DECLARED', declared));
      for (const state of ['running', 'stopped']) {
        s.engine.byHand.reconnect(nameOf(s.engine), 'test_back');
        if (state === 'stopped') s.engine.byHand.stop(nameOf(s.engine));
        expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
        expect(s.since()).toEqual([
          'rejoin web 1 test_back',
          ...(state === 'stopped' ? ['start web 1'] : []),
        ]);
        expect(s.engine.actual().containers[0]?.detail?.networks).toMatchObject([
          { network: 'test_back', ...has },
        ]);
      }
    },
  );

  it('a name and an address more than the declared ones are left alone', async () => {
    const s = await deployed();
    const [c] = s.engine.actual().containers;
    const networks = c?.detail?.networks.map((n) => ({
      ...n,
      aliases: [...n.aliases, 'more'],
      fixedIps: ['10.0.0.8'],
      mac: '02:42:ac:11:00:02',
    }));
    s.engine.byHand.change(nameOf(s.engine), {
      detail: c?.detail && { ...c.detail, networks: networks ?? [] },
    });
    expect(outcomesOf(await s.agent.plan())).toEqual({ web: 'converged' });
  });

  it('another MAC address than the declared one is put back where the container runs', async () => {
    const s = await deployed(ADDRESSED.replace('DECLARED', 'mac_address: "02:42:AC:11:00:09"'));
    const [c] = s.engine.actual().containers;
    const networks = c?.detail?.networks.map((n) => ({ ...n, mac: '02:42:ac:11:00:02' }));
    s.engine.byHand.change(nameOf(s.engine), {
      detail: c?.detail && { ...c.detail, networks: networks ?? [] },
    });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['rejoin web 1 test_back']);
  });

  it('a dead container is taken away, and another one takes its place', async () => {
    const s = await deployed();
    s.engine.byHand.change(nameOf(s.engine), { state: 'dead' });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([
      'create web 1 unarmed',
      'rename web 1 test-web-aside-#',
      'rename web 1 test-web-1-#',
      'arm web 1',
      'start web 1',
      'remove web 1',
    ]);
    expect(s.engine.actual().containers.map((c) => [c.name.slice(0, 11), c.state])).toEqual([
      ['test-web-1-', 'running'],
    ]);
  });

  it('a removal that failed is tried again, and keeps nobody waiting', async () => {
    const s = await deployed();
    s.engine.byHand.change(nameOf(s.engine), { state: 'dead' });
    const error = new AgentError('ENGINE', 'cannot remove: device or resource busy', { retry: 'later' });
    s.engine.fail({ kind: 'remove', error, times: 2 });
    await s.agent.settle();
    expect(running(s)).toEqual(['web 1']);
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
    expect(s.since().filter((step) => step.startsWith('remove'))).toEqual([
      'remove web 1 ✗ ENGINE',
      'remove web 1 ✗ ENGINE',
      'remove web 1',
    ]);
  });

  it('one that is being removed keeps nobody waiting for its name', async () => {
    const s = await deployed();
    const name = nameOf(s.engine);
    s.engine.byHand.change(name, { state: 'removing' });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 1']);
    s.engine.byHand.remove(name);
    s.since();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['rename web 1 test-web-1-#']);
  });

  it('of two containers of one slot, the one that serves stays', async () => {
    const s = await deployed();
    const [first] = s.engine.actual().containers;
    s.engine.byHand.rename(nameOf(s.engine), 'first');
    s.engine.byHand.stop('first');
    const { owner, detail } = first ?? {};
    const double = `${first?.name ?? ''}-1`;
    s.engine.byHand.run({ name: double, image: 'org/web:1' });
    s.engine.byHand.change(double, {
      owner,
      detail: detail && { ...detail, createdAtMs: detail.createdAtMs + 1 },
    });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['disarm web 1', 'rename web 1 test-web-1-#', 'remove web 1']);
  });

  it('two containers that swapped their names get them back', async () => {
    const s = await deployed(COMPOSE.replace('image', 'deploy: {replicas: 2}\n    image'));
    const [one = '', two = ''] = s.engine.actual().containers.map((c) => c.name);
    s.engine.byHand.rename(one, 'tmp');
    s.engine.byHand.rename(two, one);
    s.engine.byHand.rename('tmp', two);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.engine.actual().containers.map((c) => c.name)).toEqual([one, two]);
    expect(running(s)).toEqual(['web 1', 'web.2 1']);
  });

  it('a good release stays good without anybody asking its port, in an agent that has just begun to look', async () => {
    const s = await deployed(COMPOSE + '\n');
    s.engine.advance(3_600_000);
    s.agent.wish = { ...s.agent.wish, more: { answered: {} } };
    expect(outcomesOf(await s.agent.plan())).toEqual({ web: 'converged' });
  });

  it('three crashes in a year are no crash loop', async () => {
    const s = await deployed();
    const [c] = s.engine.actual().containers;
    s.engine.advance(3_600_000);
    s.engine.byHand.change(nameOf(s.engine), { detail: c?.detail && { ...c.detail, restartCount: 7 } });
    expect(outcomesOf(await s.agent.plan())).toEqual({ web: 'converged' });
  });
});

const replicas = (count: number, more = ''): string =>
  `services: {web: {image: org/web, restart: always, deploy: {replicas: ${String(count)}${more}}}}`;

describe('replicas', () => {
  it('scaling up and down alone restarts nothing', async () => {
    const s = scenario(replicas(2), { 'org/web:1': {} });
    await deploy(s, web('1'));
    s.since();
    s.agent.wish = { ...s.agent.wish, compose: replicas(3) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['create web.3 1', 'start web.3 1']);
    s.agent.wish = { ...s.agent.wish, compose: replicas(1) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([
      'disarm web.2 1',
      'disarm web.3 1',
      'stop web.2 1',
      'stop web.3 1',
      'remove web.2 1',
      'remove web.3 1',
    ]);
    s.agent.wish = { ...s.agent.wish, compose: replicas(0) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual([]);
  });

  it.each([
    [1, ['stop web 1', 'start web 2', 'stop web.2 1', 'start web.2 2', 'stop web.3 1', 'start web.3 2']],
    [2, ['stop web 1', 'stop web.2 1', 'start web 2', 'start web.2 2', 'stop web.3 1', 'start web.3 2']],
    [0, ['stop web 1', 'stop web.2 1', 'stop web.3 1', 'start web 2', 'start web.2 2', 'start web.3 2']],
  ])('replaces at most %i at a time', async (parallelism, steps) => {
    const s = scenario(replicas(3, `, update_config: {parallelism: ${String(parallelism)}}`), {
      'org/web:1': {},
      'org/web:2': {},
    });
    await deploy(s, web('1'));
    s.since();
    await deploy(s, web('2'));
    expect(s.since().filter((step) => /^(start|stop)/.test(step))).toEqual(steps);
  });

  it.each(['"no"', 'always', 'on-failure'])(
    'replaces one at a time where restart is %s: only a job is exempt',
    async (restart) => {
      const compose = replicas(2, ', update_config: {parallelism: 1}').replace(
        'restart: always',
        `restart: ${restart}`,
      );
      const s = scenario(compose, { 'org/web:1': {}, 'org/web:2': {} });
      await deploy(s, web('1'));
      s.since();
      await deploy(s, web('2'));
      expect(s.since().filter((step) => /^(start|stop)/.test(step))).toEqual([
        'stop web 1',
        'start web 2',
        'stop web.2 1',
        'start web.2 2',
      ]);
    },
  );

  it('waits the declared delay between two batches', async () => {
    const s = scenario(replicas(2, ', update_config: {delay: 30s}'), { 'org/web:1': {}, 'org/web:2': {} });
    await deploy(s, web('1'));
    await deploy(s, web('2'));
    const [first, second] = s.engine.actual().containers.map((c) => c.detail?.startedAtMs ?? 0);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(30_000);
  });

  it('takes all replicas back when one of them is bad', async () => {
    const s = scenario(replicas(2), { 'org/web:1': {}, 'org/web:2': { exits: 1, afterMs: 20 } });
    await deploy(s, web('1'));
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'rolled-back 2 → 1' });
    expect(running(s)).toEqual(['web 1', 'web.2 1']);
    expect(s.engine.actual().containers).toHaveLength(2);
  });
});

describe('a service that is not restarted', () => {
  it('has completed when it ended with 0, and is not run again when somebody removes it', async () => {
    const s = scenario('services: {once: {image: "org/once:1"}}', { 'org/once:1': { exits: 0 } });
    expect(outcomesOf(await s.agent.settle())).toEqual({ once: 'converged' });
    expect(s.since()).toContain('remember once 1 completed');
    s.engine.byHand.remove(nameOf(s.engine));
    expect(outcomesOf(await s.agent.settle())).toEqual({ once: 'converged' });
    expect(s.since()).toEqual([]);
  });

  it('has failed when it ended with anything else', async () => {
    const s = scenario('services: {once: {image: "org/once:1"}}', { 'org/once:1': { exits: 3 } });
    expect(outcomesOf(await s.agent.settle())).toEqual({ once: 'blocked down' });
    expect(s.since()).toContain('quarantine 1 exited');
  });

  it('is written down as completed when it ends long after it was good', async () => {
    const s = scenario('services: {once: {image: "org/once:1"}}', {
      'org/once:1': { exits: 0, afterMs: 60_000 },
    });
    await s.agent.settle();
    expect(s.since()).toContain('remember once 1');
    s.engine.advance(60_000);
    expect(outcomesOf(await s.agent.settle())).toEqual({ once: 'converged' });
    expect(s.since()).toEqual(['remember once 1 completed']);
  });
});
