import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deploy, images, running, scenario, web, WEB } from './scenario.ts';

describe('which version', () => {
  const TWO = `
services:
  web: {image: org/web, restart: always}
  api: {image: org/api, restart: always}
`;
  it('blocks only the service whose manifest entry is of another repository', async () => {
    const s = scenario(TWO, images);
    const plan = await deploy(s, { web: 'org/api:1', api: 'org/api:1' });
    expect(outcomesOf(plan)).toEqual({ web: 'blocked repository', api: 'converged' });
  });

  it('waits for a service that nobody has published, and keeps what runs when it is published no more', async () => {
    const s = scenario(TWO, images);
    expect(outcomesOf(await deploy(s, { api: 'org/api:1' }))).toEqual({
      web: 'wait unpublished',
      api: 'converged',
    });
    expect(outcomesOf(await deploy(s, { web: 'org/web:1' }))).toEqual({
      web: 'converged',
      api: 'wait unpublished',
    });
    expect(running(s)).toEqual(['api 1', 'web 1']);
  });

  it('takes the version of another service', async () => {
    const compose = `
services:
  web: {image: org/web, restart: always}
  sidecar: {image: org/web, restart: always, x-supercargo: {version-from: web}}
`;
    const s = scenario(compose, images);
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'converged', sidecar: 'converged' });
    expect(running(s)).toEqual(['sidecar 1', 'web 1']);
  });

  it('asks once what a tag means', async () => {
    const s = scenario(WEB, images);
    s.agent.wish = { compose: WEB, versions: web('1'), published: { serial: 1, tagsOnly: true } };
    await s.agent.settle();
    expect(s.since().filter((step) => step.startsWith('resolve'))).toEqual(['resolve-tag org/web:1']);
    await s.agent.settle();
    expect(s.since()).toEqual([]);
  });
});
