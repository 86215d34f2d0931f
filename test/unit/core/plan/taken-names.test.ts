import { describe, expect, it } from 'vitest';
import type { ServicePlan } from '../../../../src/core/plan/host-plan.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { EDGE_IMAGE, startFirst } from './edge/scenes.ts';
import { deploy, images, running, scenario, web, type Scenario } from './scenario.ts';

const withVolume = (definition: string, mounts = "['data:/data']"): string => `
services: {web: {image: org/web, restart: always, volumes: ${mounts}}}
volumes: {${definition}}
`;

const withNetwork = (definition: string): string => `
services: {web: {image: org/web, restart: always, networks: [back]}}
networks: {back: ${definition}}
`;

const tell = async (s: Scenario): Promise<ServicePlan['decision'] | undefined> =>
  (await deploy(s, web('1'))).services[0]?.decision;

describe('a volume', () => {
  it.each([
    ['data: {}', 'test_data'],
    ['data: {name: theirs}', 'theirs'],
  ])('of another environment is never used, with %s', async (definition, name) => {
    const s = scenario(withVolume(definition), images);
    s.engine.byHand.addVolume(name, 'test_eu');
    expect(await tell(s)).toEqual({
      kind: 'blocked',
      reason: 'volume',
      message: `the volume ${name} belongs to the environment test_eu, and data has the same name`,
      advice: `give data another name in the compose file (name: below volumes.data), or write external: true and name: ${name} there to share it`,
    });
    expect(running(s)).toEqual([]);
    s.engine.byHand.removeVolume(name);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('of another environment that runs already is told, and the container goes on', async () => {
    const s = scenario(withVolume('data: {}'), images);
    await deploy(s, web('1'));
    s.engine.byHand.removeVolume('test_data');
    s.engine.byHand.addVolume('test_data', 'test_eu');
    s.since();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked volume' });
    expect(s.since()).toEqual([]);
    expect(running(s)).toEqual(['web 1']);
  });

  it('without labels of ours is used, whoever made it', async () => {
    const s = scenario(withVolume('data: {}'), images);
    s.engine.byHand.addVolume('test_data');
    expect(await tell(s)).toEqual({ kind: 'converged' });
    expect(s.since()).not.toContain('create-volume test_data');
  });

  it('that is external is the operator’s word', async () => {
    const s = scenario(withVolume('data: {external: true, name: theirs}'), images);
    s.engine.byHand.addVolume('theirs', 'test_eu');
    expect(await tell(s)).toEqual({ kind: 'converged' });
  });

  it('of another definition of ours is not used for one that comes to its name', async () => {
    const both = "['other:/other', 'data:/data']";
    const s = scenario(withVolume('data: {}, other: {name: test_data}', both), images);
    expect(await tell(s)).toMatchObject({
      kind: 'blocked',
      reason: 'volume',
      message: expect.stringMatching(/^the volume test_data was made for the volume (?:data|other), and /),
    });
  });

  it('that two definitions name is shared by both', async () => {
    const both = "['other:/other', 'data:/data']";
    const s = scenario(withVolume('data: {name: one}, other: {name: one}', both), images);
    expect(await tell(s)).toEqual({ kind: 'converged' });
  });
});

describe('a network', () => {
  it('of another environment is never joined: ours gets a name that is free', async () => {
    const s = scenario(withNetwork('{}'), images);
    s.engine.byHand.addNetwork('test_back', 'test_eu');
    await s.agent.tick();
    expect(await tell(s)).toEqual({ kind: 'converged' });
    const names = (): readonly string[] => s.engine.actual().networks.map((n) => n.name);
    expect(names()).toEqual(['test_back', expect.stringMatching(/^test_back-[0-9a-f]{8}$/)]);
    const second = names()[1] ?? '';
    const other = scenario(withNetwork('{}'), images);
    for (const name of ['test_back', second]) other.engine.byHand.addNetwork(name, 'test_eu');
    expect(await tell(other)).toEqual({ kind: 'converged' });
    expect(other.engine.actual().networks.map((n) => n.name)).toEqual(['test_back', second, `${second}-2`]);
  });

  it('that got its name at the same moment as one of another environment is made again', async () => {
    const s = scenario(withNetwork('{}'), images);
    while (s.engine.actual().networks.length === 0) {
      s.agent.wish = { ...s.agent.wish, versions: web('1'), published: { serial: 1 } };
      await s.agent.tick();
    }
    s.engine.byHand.addNetwork('test_back', 'test_eu', 'at the same moment');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.engine.actual().networks.map((n) => [n.name, n.otherEnvironment])).toEqual([
      ['test_back', 'test_eu'],
      [expect.stringMatching(/^test_back-[0-9a-f]{8}$/), undefined],
    ]);
  });

  it('of another environment blocks where its name is asked for', async () => {
    const s = scenario(withNetwork('{name: theirs}'), images);
    s.engine.byHand.addNetwork('theirs', 'test_eu');
    expect(await tell(s)).toEqual({
      kind: 'blocked',
      reason: 'network',
      message: 'the network theirs belongs to the environment test_eu',
      advice:
        'give back another name in the compose file (name: below networks.back), or write external: true there to join that network',
    });
    s.agent.wish = { ...s.agent.wish, compose: withNetwork('{name: theirs, external: true}') };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });
});

describe('a container of another environment', () => {
  it('that has a declared name blocks, and is named', async () => {
    const s = scenario('services: {web: {image: org/web, restart: always, container_name: vpn}}', images);
    s.engine.byHand.run({ name: 'vpn', otherEnvironment: 'test_eu' });
    expect(await tell(s)).toEqual({
      kind: 'blocked',
      reason: 'name',
      message: 'the name vpn is taken by a container of the environment test_eu',
      advice: 'give web another container_name in the compose file',
    });
    expect(running(s)).toEqual(['vpn']);
  });

  it('that has the name of an edge blocks the edge, and nothing is tried again and again', async () => {
    const compose = startFirst();
    const known = scenario(compose, { ...images, [EDGE_IMAGE]: {} });
    await deploy(known, web('1'));
    const edge = known.engine.actual().containers.find((c) => c.edge)?.name ?? '';
    const s = scenario(compose, { ...images, [EDGE_IMAGE]: {} });
    s.engine.byHand.run({ name: edge, otherEnvironment: 'test_eu' });
    const plan = await deploy(s, web('1'));
    expect(plan.edge?.decision).toMatchObject({
      kind: 'blocked',
      reason: 'name',
      message: `the edge's name ${edge} is taken by a container of the environment test_eu`,
    });
    s.engine.byHand.remove(edge);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });
});
