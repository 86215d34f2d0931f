import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deployed, running } from './scenario.ts';

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
