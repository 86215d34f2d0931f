import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import type { Action, CreateContainer } from '../../../../src/core/plan/action.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { facts } from '../../../support/world.ts';
import { deploy, deployed, images, running, scenario, web, WEB, type Scenario } from './scenario.ts';

const SYSLOG = `${WEB}    logging: { driver: syslog }\n`;

interface Watched extends Scenario {
  /** The create steps that were tried. */
  readonly made: CreateContainer[];
}

const watched = (compose: string): Watched => {
  const made: CreateContainer[] = [];
  const before = (action: Action): void => void (action.kind === 'create' && made.push(action));
  return { ...scenario(compose, images, { before }), made };
};

/** What the second version's container is tried with before the first one stops. */
const preflightOf = async (before: string, after = before): Promise<readonly unknown[]> => {
  const s = watched(before);
  await deploy(s, web('1'));
  s.agent.wish = { ...s.agent.wish, compose: after };
  await deploy(s, web('2'));
  return s.made.slice(1).map((c) => c.preflight);
};

const withKeys = (...keys: readonly string[]): string => `${WEB}${keys.map((k) => `    ${k}\n`).join('')}`;

const withPorts = (ports: string): string => WEB.replace(/ports: .*/, `ports: [${ports}]`);

const onNetwork = (addresses: string): string =>
  `services: { web: { image: org/web, networks: { back: { ${addresses} } } } }
networks: { back: { enable_ipv6: true, ipam: { config: [{ subnet: 10.3.0.0/24 }, { subnet: 'fd00::/64' }] } } }
`;

const PLAIN = { ports: [], addresses: [], untried: [] };

describe('a container that another one is to be stopped for', () => {
  it.each([
    ['logging: { driver: syslog }'],
    ['devices: [/dev/null]'],
    ['volumes: [/etc/hosts:/etc/hosts:ro]'],
    ['security_opt: [no-new-privileges:true]'],
  ])('is tried each time where it has %s', async (key) => {
    const [preflight] = await preflightOf(withKeys(key));
    expect(preflight).toEqual(PLAIN);
  });

  it('is not tried where the engine runs one with the very same settings', async () => {
    expect(await preflightOf(WEB)).toEqual([undefined]);
    expect(
      await preflightOf(withKeys('volumes: [/cache]', 'ulimits: { nofile: 1024 }', 'cap_add: [NET_ADMIN]')),
    ).toEqual([undefined]);
    const [ports, others] = [withPorts('"90:8888", "91:5005"'), withPorts('"91:5005", "90:8888"')];
    expect(await preflightOf(ports, others)).toEqual([undefined]);
  });

  it.each([
    ['command', 'command: [other]'],
    ['environment', 'environment: { A: b }'],
    ['label', 'labels: { a: b }'],
  ])('is not tried for another %s: that is the business of the program', async (_, key) => {
    expect(await preflightOf(WEB, withKeys(key))).toEqual([undefined]);
  });

  it.each([['mem_limit: 64m'], ['cap_add: [NET_ADMIN]'], ['sysctls: { net.core.somaxconn: 1024 }']])(
    'is tried where its settings change: %s',
    async (key) => {
      expect(await preflightOf(WEB, withKeys(key))).toEqual([PLAIN]);
    },
  );

  it('takes the ports that nothing holds yet, and says which it can not try', async () => {
    const [preflight] = await preflightOf(
      WEB.replace("'80:8888'", "'127.0.0.1:80:8888'"),
      WEB.replace("'80:8888'", "'80:8888', '81:8888'"),
    );
    expect(preflight).toMatchObject({
      ports: [{ hostPort: 81 }],
      untried: [expect.stringMatching(/^port 80\/tcp, which test-web-1-\w+ has$/)],
    });
  });

  it.each([
    ['held by nothing', '', 'ipv4_address: 10.3.0.9, ipv6_address: "fd00::9"', ['10.3.0.9', 'fd00::9']],
    [
      'that the old one lacks',
      'ipv4_address: 10.3.0.9',
      'ipv4_address: 10.3.0.9, ipv6_address: "fd00::9"',
      ['fd00::9'],
    ],
    [
      'that the old one was given',
      'ipv6_address: "fd00::9"',
      'ipv4_address: 10.3.0.9, ipv6_address: "fd00::9"',
      ['10.3.0.9'],
    ],
  ])('takes an address %s', async (_, before, after, addresses) => {
    expect(await preflightOf(onNetwork(before), onNetwork(after))).toMatchObject([{ addresses }]);
  });

  it('leaves an address that the engine chose for the old one', async () => {
    const s = watched(onNetwork(''));
    await deploy(s, web('1'));
    const [old] = s.engine.actual().containers;
    s.engine.byHand.change(old?.name ?? '', {
      detail: old?.detail && {
        ...old.detail,
        networks: old.detail.networks.map((n) => ({ ...n, ipv6: 'fd00::9' })),
      },
    });
    s.agent.wish = { ...s.agent.wish, compose: onNetwork('ipv6_address: "fd00::9"') };
    await deploy(s, web('2'));
    expect(s.made.at(-1)?.preflight?.addresses).toEqual([]);
  });

  it('is tried where the engine itself sends all logs elsewhere', async () => {
    const s = watched(WEB);
    await deploy(s, web('1'));
    s.engine.setFacts({ ...facts, logDriver: 'fluentd' });
    await deploy(s, web('2'));
    expect(s.made.map((c) => c.preflight)).toEqual([undefined, PLAIN]);
  });

  it('is not tried where it starts first, and where nothing serves', async () => {
    const s = watched(SYSLOG);
    await deploy(s, web('1'));
    expect(s.made.map((c) => c.preflight)).toEqual([undefined]);
    expect(
      await preflightOf(
        withKeys('logging: { driver: syslog }', 'deploy: { update_config: { order: start-first } }'),
      ),
    ).toEqual([undefined]);
  });
});

describe('a preflight that the engine refuses', () => {
  it('stops nothing while the log server is away, and the switch follows when it is back', async () => {
    const s = await deployed(SYSLOG);
    s.engine.setLogServer(false);
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'wait back-off' });
    expect(s.since()).toEqual(['pull org/web:2', 'create web 2 unarmed ✗ ENGINE']);
    expect(running(s)).toEqual(['web 1']);
    s.engine.setLogServer(true);
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });

  it('stops nothing for a device that the host does not have', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, compose: withKeys('devices: [/dev/nvidia9]') };
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'blocked engine' });
    expect(s.since()).toEqual(['pull org/web:2', 'create web 2 unarmed ✗ ENGINE']);
    expect(running(s)).toEqual(['web 1']);
  });

  it('stops nothing for a port that another program has', async () => {
    const s = await deployed();
    s.engine.occupy(81);
    s.agent.wish = { ...s.agent.wish, compose: WEB.replace('80:', '81:') };
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'blocked port' });
    expect(running(s)).toEqual(['web 1']);
    s.engine.release(81);
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
  });

  it('condemns a release whose image is at fault without stopping what serves', async () => {
    const s = await deployed(withKeys('devices: [/dev/null]'));
    s.engine.fail({
      kind: 'create',
      times: 1,
      error: new AgentError('RELEASE', 'cannot start web: unable to find user ghost'),
    });
    const plan = await deploy(s, web('2'));
    expect(outcomesOf(plan)).toEqual({ web: 'rolled-back 2 → 1' });
    expect(s.since()).toEqual(['pull org/web:2', 'create web 2 unarmed ✗ RELEASE', 'quarantine 2 crashed']);
    expect(running(s)).toEqual(['web 1']);
  });

  it('is made before a start is tried again that failed', async () => {
    const s = watched(WEB);
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('create web 2 unarmed')) await s.agent.tick();
    const name = s.engine.actual().containers.find((c) => c.state === 'created')?.name ?? '';
    const error = new AgentError('ENGINE', 'not now', { retry: 'later' });
    s.engine.fail({ kind: 'start', name, error, times: 1 });
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged' });
    expect(s.made.map((c) => c.preflight)).toEqual([undefined, undefined, PLAIN]);
  });
});

describe('a preflight that an agent left behind when it died', () => {
  it('is removed; a container that runs under its label is not', async () => {
    const s = await deployed();
    for (const [name, state] of [
      ['test-web-preflight-0a1b2c3d', 'created'],
      ['test-web-preflight-1a1b2c3d', 'running'],
      ['test-web-preflight', 'created'],
      ['mine', 'created'],
    ] as const) {
      s.engine.byHand.run({ name });
      s.engine.byHand.change(name, { state, isPreflight: true });
    }
    await s.agent.settle();
    expect(s.since()).toEqual(['remove test-web-preflight-0a1b2c3d']);
  });
});
