import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, deployed, images, running, scenario, web, WEB } from './scenario.ts';

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
