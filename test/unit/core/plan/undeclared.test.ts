import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { deployed, running, WEB } from './scenario.ts';

describe('services that nobody declares any more', () => {
  const TWO = `${WEB}  api: {image: org/api, restart: always}\n`;
  it('are stopped, removed and forgotten', async () => {
    const s = await deployed(TWO, { web: 'org/web:1', api: 'org/api:1' });
    s.agent.wish = { ...s.agent.wish, compose: WEB };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['disarm api 1', 'stop api 1', 'remove api 1', 'forget']);
  });

  it('invariant 8: stay if nothing else would be left, unless that is said to be meant', async () => {
    const s = await deployed(TWO, { web: 'org/web:1', api: 'org/api:1' });
    s.agent.wish = { ...s.agent.wish, compose: 'services: {}' };
    expect(outcomesOf(await s.agent.settle())).toEqual({ api: 'blocked empty', web: 'blocked empty' });
    expect(s.since()).toEqual([]);
    s.agent.wish = { ...s.agent.wish, compose: 'services: {}\nx-supercargo: {allow-empty: true}' };
    await s.agent.settle();
    expect(s.engine.actual().containers).toEqual([]);
  });

  it('make room for a service of another name that takes their port', async () => {
    const s = await deployed(TWO, { web: 'org/web:1', api: 'org/api:1' });
    s.agent.wish = {
      ...s.agent.wish,
      compose: TWO.replace('web:', 'www:'),
      versions: { www: 'org/web:1', api: 'org/api:1' },
    };
    expect(outcomesOf(await s.agent.settle())).toEqual({ api: 'converged', www: 'converged' });
    expect(running(s)).toEqual(['api 1', 'www 1']);
  });

  it('the last one standing does not give its port away by itself', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, compose: WEB.replace('web:', 'www:'), versions: { www: 'org/web:1' } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked empty', www: 'blocked port' });
    expect(running(s)).toEqual(['web 1']);
  });
});
