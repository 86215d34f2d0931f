import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, deployed, running, scenario, web } from './scenario.ts';

const withNetwork = (definition: string): string => `
services: {web: {image: org/web, restart: always, networks: [back]}}
networks: {back: ${definition}}
`;

describe('networks and volumes', () => {
  it('a changed definition gets a new name, and the old network goes when nothing needs it', async () => {
    const s = await deployed(withNetwork('{}'));
    s.agent.wish = { ...s.agent.wish, compose: withNetwork('{internal: true}') };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    const [network] = s.engine.actual().networks;
    expect(s.engine.actual().networks).toHaveLength(1);
    expect(network?.name).toMatch(/^test_back-[0-9a-f]{8}$/);
    expect(s.since()).toEqual([
      `create-network ${network?.name ?? ''}`,
      'create web 1 unarmed',
      'disarm web 1',
      'stop web 1',
      'arm web 1',
      'start web 1',
      'remember web 1',
      'remove web 1',
      'remove-network test_back',
    ]);
  });

  it.each([
    ['a subnet', '{ipam: {config: [{subnet: 10.2.9.0/24}]}}', '{ipam: {config: [{subnet: 10.2.0.0/16}]}}'],
    [
      'a subnet',
      '{ipam: {config: [{subnet: "fd00:9::/64"}]}}',
      '{ipam: {config: [{subnet: "fd00:9::/48"}]}}',
    ],
    [
      'a subnet',
      '{ipam: {config: [{subnet: 10.2.9.0/24}]}}',
      '{internal: true, ipam: {config: [{subnet: 10.2.9.0/24}]}}',
    ],
    [
      'the bridge name',
      '{driver_opts: {com.docker.network.bridge.name: br-9}}',
      '{driver_opts: {com.docker.network.bridge.name: br-9}, internal: true}',
    ],
    [
      'the parent interface',
      '{driver_opts: {parent: eth1}}',
      '{driver_opts: {parent: eth1}, internal: true}',
    ],
  ])(
    'a changed definition with %s of the old one leaves every version deployable',
    async (clash, old, changed) => {
      const s = await deployed(withNetwork(old));
      const [network] = s.engine.actual().networks;
      s.agent.wish = { ...s.agent.wish, compose: withNetwork(changed) };
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked network' });
      expect(s.since()).toEqual([]);
      const plan = await deploy(s, web('2'));
      expect(running(s)).toEqual(['web 2']);
      expect(plan.services[0]?.decision).toMatchObject({
        kind: 'blocked',
        message: expect.stringContaining(
          `the network back keeps its old definition: the new one has ${clash}`,
        ),
      });
      expect(s.engine.actual().networks).toEqual([network]);
      s.agent.wish = { ...s.agent.wish, compose: withNetwork('{driver_opts: {mtu: "1400"}}') };
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
      expect(s.engine.actual().networks.map((n) => n.name)).not.toContain(network?.name);
    },
  );

  const FOUR = 'ipam: {config: [{subnet: 10.2.9.0/24}]}';
  const BOTH = 'ipam: {config: [{subnet: 10.2.9.0/24}, {subnet: "fd00:7::/64"}]}';
  it.each([
    ['of a new subnet', FOUR, `enable_ipv6: true, ${BOTH}`, 'ipv6_address: "fd00:7::5"', false],
    ['of a wider subnet', FOUR, FOUR.replace('9.0/24', '0.0/16'), 'ipv4_address: 10.2.3.4', false],
    ['of IPv6 that was off', BOTH, `enable_ipv6: true, ${BOTH}`, 'ipv6_address: "fd00:7::5"', false],
    ['of the old subnet', FOUR, `enable_ipv6: true, ${BOTH}`, 'ipv4_address: 10.2.9.5', true],
  ])('an address on a network that keeps its old definition: %s', async (_, old, changed, address, isHad) => {
    const s = await deployed(withNetwork(`{${old}}`));
    const compose = withNetwork(`{${changed}}`).replace('[back]', `{back: {${address}}}`);
    s.agent.wish = { ...s.agent.wish, compose };
    const [plan] = (await deploy(s, web('2'))).services;
    expect(running(s)).toEqual([isHad ? 'web 2' : 'web 1']);
    expect(s.since().filter((step) => /^(stop|pull) /.test(step))).toHaveLength(isHad ? 2 : 0);
    expect(plan?.decision).toMatchObject({
      kind: 'blocked',
      reason: 'network',
      message: expect.stringContaining('the network back keeps its old definition'),
    });
  });

  const SUBNET = '{ipam: {config: [{subnet: 10.222.9.0/24}]}}';
  it.each([SUBNET, '{driver_opts: {com.docker.network.bridge.name: br-9}}', '{name: lan}'])(
    'a renamed key keeps its network if the engine can have only one of it: %s',
    async (definition) => {
      const s = await deployed(withNetwork(definition));
      const { networks } = s.engine.actual();
      for (const key of ['rear', 'side', 'back']) {
        s.agent.wish = { ...s.agent.wish, compose: withNetwork(definition).replaceAll('back', key) };
        expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
        expect(s.engine.actual().networks).toEqual(networks);
        expect(s.since().filter((step) => /network|^start/.test(step))).toEqual(['start web 1']);
      }
    },
  );

  it('a renamed key keeps its network although another network gets the former key', async () => {
    const s = await deployed(withNetwork(SUBNET));
    const [network] = s.engine.actual().networks;
    const renamed = withNetwork(SUBNET).replaceAll('back', 'rear');
    s.agent.wish = { ...s.agent.wish, compose: renamed };
    await s.agent.settle();
    const more = '  api: {image: org/api, restart: always, networks: [back]}\nnetworks: {back: {}, ';
    const compose = renamed.replace('{web: {', '\n  web: {').replace('}}\nnetworks: {', `}\n${more}`);
    s.agent.wish = { ...s.agent.wish, compose, versions: { ...web('2'), api: 'org/api:1' } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged', api: 'converged' });
    expect(s.engine.actual().networks).toContainEqual(network);
    const of = (service: string): readonly string[] =>
      s.engine
        .actual()
        .containers.filter((c) => c.owner?.service === service)
        .flatMap((c) => c.detail?.networks.map((n) => n.network) ?? []);
    expect(of('web')).toEqual([network?.name]);
    expect(of('api')).not.toEqual(of('web'));
  });

  it('two networks that declare one subnet are never joined into one', async () => {
    const s = await deployed(withNetwork(SUBNET));
    const compose = `
services: {web: {image: org/web, restart: always, networks: [rear]}, api: {image: org/api, restart: always, networks: [side]}}
networks: {rear: ${SUBNET}, side: ${SUBNET}}
`;
    s.agent.wish = { ...s.agent.wish, compose };
    expect(outcomesOf(await deploy(s, { ...web('1'), api: 'org/api:1' }))).toEqual({
      web: 'blocked network',
      api: 'blocked network',
    });
    expect(running(s)).toEqual(['web 1']);
  });

  it('a renamed key with a changed definition blocks the service before anything stops', async () => {
    const s = await deployed(withNetwork(SUBNET));
    const compose = withNetwork(SUBNET.replace('{', '{internal: true, ')).replaceAll('back', 'rear');
    s.agent.wish = { ...s.agent.wish, compose };
    const [plan] = (await s.agent.settle()).services;
    expect(plan?.decision).toEqual({
      kind: 'blocked',
      reason: 'network',
      message:
        'the network rear has a subnet of the network back, which services here still use and which ' +
        'is no longer in the compose files',
      advice: 'write the unchanged definition of back below networks.rear, or choose another one',
    });
    expect(s.since()).toEqual([]);
  });

  it.each([
    ['published', 'org/z', { z: 'org/z:1' }],
    ['not published yet', 'org/z', {}],
  ])(
    'networks with declared subnets come before the others: a service that is %s',
    async (_, image, more) => {
      const compose = `
services:
  web: {image: org/web, restart: always, networks: [back]}
  z: {image: ${image}, restart: always, networks: [zfixed]}
networks: {back: {}, zfixed: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}
`;
      const s = scenario(compose, { 'org/web:1': {}, 'org/z:1': {} });
      await deploy(s, { ...web('1'), ...more });
      expect(outcomesOf(await deploy(s, { ...web('1'), z: 'org/z:1' }))).toEqual({
        web: 'converged',
        z: 'converged',
      });
      expect(s.engine.actual().networks.map((n) => [n.name, n.subnets])).toEqual([
        ['test_zfixed', ['10.9.0.0/24']],
        ['test_back', ['10.9.1.0/24']],
      ]);
    },
  );

  it('a network that the engine refuses keeps no other service waiting', async () => {
    const compose = `
services:
  web: {image: org/web, restart: always, networks: [back]}
  z: {image: org/z, restart: always, networks: [zfixed]}
networks: {back: {}, zfixed: {driver: nosuch, ipam: {config: [{subnet: 10.9.0.0/24}]}}}
`;
    const s = scenario(compose, { 'org/web:1': {}, 'org/z:1': {} });
    const error = new AgentError('NETWORK', 'plugin "nosuch" not found');
    s.engine.fail({ kind: 'create-network', name: 'test_zfixed', times: 99, error });
    await deploy(s, { ...web('1'), z: 'org/z:1' });
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'converged', z: 'blocked network' });
  });

  it.each([
    ['network', withNetwork('{external: true}'), 'blocked network'],
    [
      'volume',
      'services: {web: {image: org/web, volumes: ["v:/v"]}}\nvolumes: {v: {external: true}}',
      'blocked volume',
    ],
  ])(
    'an external %s that does not exist blocks the service before anything stops',
    async (_, compose, told) => {
      const s = await deployed();
      s.agent.wish = { ...s.agent.wish, compose };
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: told });
      expect(s.since()).toEqual([]);
      expect(running(s)).toEqual(['web 1']);
    },
  );
});
