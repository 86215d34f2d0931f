import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, deployed, images, running, scenario, type Scenario, web, WEB } from './scenario.ts';

const pair = (one: number, two: number): string => `
services:
  one: {image: org/web, restart: always, ports: ['${String(one)}:1']}
  two: {image: org/api, restart: always, ports: ['${String(two)}:1']}
`;

describe('ports and names of others', () => {
  it('invariant 2: a port that a foreign container has blocks the service, and nothing is stopped', async () => {
    const s = scenario(WEB, images);
    s.engine.byHand.run({ name: 'old', port: 80 });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'blocked port' });
    expect(running(s)).toEqual(['old']);
  });

  it('a name that a foreign container has blocks the service', async () => {
    const s = scenario(WEB + '    container_name: the-web\n', images);
    s.engine.byHand.run({ name: 'the-web' });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'blocked name' });
    expect(running(s)).toEqual(['the-web']);
  });

  const both = { one: 'org/web:1', two: 'org/api:1' };

  it('two services swap their ports', async () => {
    const s = await deployed(pair(80, 81), both);
    s.agent.wish = { ...s.agent.wish, compose: pair(81, 80) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'converged', two: 'converged' });
    const ports = s.engine.actual().containers.map((c) => [c.owner?.service, c.ports[0]?.hostPort] as const);
    expect(Object.fromEntries(ports)).toEqual({ one: 81, two: 80 });
  });

  it('the release that comes back does not wait for ever for a port that the other service has now', async () => {
    const s = await deployed(pair(80, 81), both);
    s.agent.wish = {
      compose: pair(81, 80),
      versions: { ...both, one: 'org/web:9' },
      published: { serial: 2 },
    };
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'blocked port', two: 'converged' });
    expect(running(s)).toEqual(['two 1']);
  });

  it('a holder that went back to its last good release keeps its port', async () => {
    const s = await deployed(pair(80, 81), both);
    s.engine.registry.push('org/api:9', { exits: 1 });
    s.agent.wish = {
      compose: pair(80, 82),
      versions: { ...both, two: 'org/api:9' },
      published: { serial: 2 },
    };
    await s.agent.settle();
    s.agent.wish = { ...s.agent.wish, compose: pair(81, 82) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'blocked port', two: 'rolled-back 9 → 1' });
    expect(running(s)).toEqual(['one 1', 'two 1']);
  });

  it('invariant 3: nothing is stopped for a port that its holder can not give away yet', async () => {
    const s = await deployed(pair(80, 81), both);
    s.engine.registry.setState('down');
    s.agent.wish = {
      compose: pair(81, 82),
      versions: { one: 'org/web:1', two: 'org/api:2' },
      published: { serial: 2 },
    };
    for (let n = 0; n < 10; n += 1) await s.agent.tick();
    expect(running(s)).toEqual(['one 1', 'two 1']);
    s.engine.registry.setState('up');
    expect(outcomesOf(await s.agent.outlast())).toEqual({ one: 'converged', two: 'converged' });
    expect(running(s)).toEqual(['one 1', 'two 2']);
  });
});

/** The services `one` and `two`, as far as they have an attachment. */
const addressed = (attachments: readonly string[]): string => `
services:
${attachments.map((at, n) => `  ${PAIR[n] ?? ''}, restart: always, networks: {back: {${at}}}}`).join('\n')}
networks: {back: {enable_ipv6: true, ipam: {config: [{subnet: 10.3.0.0/24}, {subnet: 'fd00::/64'}]}}}
`;
const PAIR = ['one: {image: org/web', 'two: {image: org/api'] as const;
const v4 = (last: number): string => `ipv4_address: 10.3.0.${String(last)}`;
const v6 = (last: number): string => `ipv6_address: 'fd00::${String(last)}'`;

const addressesIn = ({ engine }: Scenario): object =>
  Object.fromEntries(
    engine.actual().containers.map((c) => [c.owner?.service, c.detail?.networks.map((n) => n.ip).join()]),
  );

describe('fixed addresses of others', () => {
  const both = { one: 'org/web:1', two: 'org/api:1' };
  it.each([
    ['one moves to the other service', 'two', [v4(8), v4(9)], [v4(9), v4(7)], ['10.3.0.9', '10.3.0.7']],
    ['one moves the other way', 'one', [v4(8), v4(9)], [v4(7), v4(8)], ['10.3.0.7', '10.3.0.8']],
    ['two services swap them', 'two', [v4(8), v4(9)], [v4(9), v4(8)], ['10.3.0.9', '10.3.0.8']],
    ['two services swap their IPv6 ones', 'one', [v6(8), v6(9)], [v6(9), v6(8)], ['fd00::9', 'fd00::8']],
    ['its holder leaves the compose file', 'two', [v4(8), v4(9)], [v4(9)], ['10.3.0.9']],
  ])('%s in one publish, while the holder stops late', async (_, holder, before, after, [one, two]) => {
    const s = await deployed(addressed(before), both);
    s.agent.wish = { ...s.agent.wish, compose: addressed(after) };
    const error = new AgentError('ENGINE', 'cannot stop', { retry: 'later' });
    const name = s.engine.actual().containers.find((c) => c.owner?.service === holder)?.name ?? '';
    s.engine.fail({ kind: 'stop', error, times: 1, name });
    await s.agent.settle();
    const outcomes = outcomesOf(await s.agent.outlast());
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['converged']));
    expect(addressesIn(s)).toEqual({ one, ...(two !== undefined && { two }) });
    expect(s.since().filter((step) => /✗|quarantine/.test(step))).toEqual([`stop ${holder} 1 ✗ ENGINE`]);
  });

  it('nothing stops for an address that its holder keeps with its last good release', async () => {
    const s = await deployed(addressed([v4(8), v4(9)]), both);
    s.engine.registry.push('org/api:9', { exits: 1 });
    s.agent.wish = {
      compose: addressed([v4(8), v4(7)]),
      versions: { ...both, two: 'org/api:9' },
      published: { serial: 2 },
    };
    await s.agent.settle();
    s.agent.wish = { ...s.agent.wish, compose: addressed([v4(9), v4(7)]) };
    s.since();
    const outcome = await s.agent.settle();
    expect(outcomesOf(outcome)).toEqual({ one: 'blocked network', two: 'rolled-back 9 → 1' });
    expect(JSON.stringify(outcome)).toMatch(
      /address 10\.3\.0\.9 of the network test_back is taken by the container test-two-1-/,
    );
    expect(running(s)).toEqual(['one 1', 'two 1']);
  });

  it('an address that the engine chose for another service is not waited for', async () => {
    const s = await deployed(addressed([v4(8), '']), both);
    const two = s.engine.actual().containers.find((c) => c.owner?.service === 'two');
    const networks = two?.detail?.networks.map((n) => ({ ...n, ip: '10.3.0.9' })) ?? [];
    s.engine.byHand.change(two?.name ?? '', { detail: two?.detail && { ...two.detail, networks } });
    s.agent.wish = { ...s.agent.wish, compose: addressed([v4(9), '']) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'blocked network', two: 'converged' });
    expect(running(s)).toEqual(['one 1', 'two 1']);
    s.engine.byHand.stop(two?.name ?? '');
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'converged', two: 'converged' });
  });
});

describe('a foreign container that a service replaces', () => {
  const ADOPTING = `${WEB}    x-supercargo: {replaces: old}\n`;
  it('is stopped and kept until the first release is good, then removed', async () => {
    const s = scenario(ADOPTING, images);
    s.engine.byHand.run({ name: 'old', port: 80, restart: 'always' });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([
      'pull org/web:1',
      'adopt old',
      'create-network test_default',
      'create web 1 unarmed',
      'disarm old',
      'stop old',
      'arm web 1',
      'start web 1',
      'remember web 1',
      'remove old',
    ]);
    expect(running(s)).toEqual(['web 1']);
  });

  it('comes back as it was when the first release is bad', async () => {
    const s = scenario(`${ADOPTING}    container_name: old\n`, images);
    s.engine.byHand.run({ name: 'old', port: 80, restart: 'always' });
    expect(outcomesOf(await deploy(s, web('9')))).toEqual({ web: 'rolled-back 9 → old' });
    expect(s.engine.actual().containers.map((c) => [c.name, c.state, c.detail?.restart.name])).toEqual([
      ['old', 'running', 'always'],
    ]);
  });

  it('of another environment is never taken', async () => {
    const s = scenario(ADOPTING, images);
    s.engine.byHand.run({ name: 'old', port: 80, otherEnvironment: 'production' });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'blocked port' });
    expect(running(s)).toEqual(['old']);
  });
});
