import { describe, expect, it } from 'vitest';
import { dryRun } from '../../../../src/core/plan/dry-run.ts';
import { deadlineOf, gapOf } from '../../../../src/core/plan/downtime.ts';
import { createSimulatedAgent } from '../../../support/simulated-agent.ts';
import { edgeSetting } from '../../../support/world.ts';
import type { Scenario } from './scenario.ts';
import { web } from './scenario.ts';
import { byName, deployed, scene, startFirst } from './edge/scenes.ts';

const STOP_FIRST = startFirst({ order: 'stop-first' });
const publishMode = { edge: { ...edgeSetting, mode: 'publish' as const } };

/** What `plan` would say of `web` now, if this were wanted. */
const told = async (
  s: Scenario,
  wish: Partial<Scenario['agent']['wish']>,
  tell: typeof gapOf = gapOf,
): Promise<string | null> => {
  const agent = createSimulatedAgent(s.engine, { ...s.agent.wish, ...wish }, { ledger: s.agent.ledger });
  const seen = await agent.observe();
  const { now, steps } = dryRun(seen);
  const plan = now.services.find((p) => p.service === 'web');
  return plan ? tell(seen, plan, steps) : null;
};

const publish = (version: string) => ({ versions: web(version), published: { serial: 9 } });

describe('the gap that is told beforehand', () => {
  it.each([
    ['nothing changes', startFirst(), {}, 'nothing'],
    ['a new version behind the edge', startFirst(), publish('2'), 'none'],
    ['a new version found by its name', byName(), publish('2'), 'none'],
    ['more replicas', startFirst(), { compose: startFirst({ replicas: 3 }) }, 'none'],
    ['a new version with stop-first', STOP_FIRST, publish('2'), 'because stop-first stops the old one first'],
    // Nothing of the edge is on the host then: neither its image nor its network.
    ['from stop-first to the edge', STOP_FIRST, { compose: startFirst() }, 'from the container to the edge'],
    ['from the edge to stop-first', startFirst(), { compose: STOP_FIRST }, 'from the edge to the container'],
    [
      'the service goes',
      startFirst(),
      { compose: 'services: {}\nx-supercargo: {allow-empty: true}' },
      'it ends here',
    ],
  ])('%s', async (_what, compose, wish, expected) => {
    const gap = await told(await deployed(compose), wish);
    expect(gap ?? 'nothing').toContain(expected);
  });

  it('is that of an edge which must be replaced in publish mode', async () => {
    const s = scene();
    s.agent.wish = { ...s.agent.wish, more: publishMode, ...publish('1') };
    await s.agent.settle();
    const compose = startFirst({ ports: '[{target: 8888, published: 80}, {target: 8888, published: 81}]' });
    expect(await told(s, { compose, more: publishMode })).toMatch(
      /about 0\.5 s, because the edge is replaced/,
    );
    expect(await told(s, { ...publish('2'), more: publishMode })).toBe('none');
  });

  it('is that of a port which moves between one address and every address', async () => {
    const s = await deployed(startFirst({ ports: '["127.0.0.1:80:8888"]' }));
    expect(await told(s, { compose: startFirst({ ports: '["80:8888"]' }) })).toBe(
      'about 2 s, because port 80 moves between one address and every address',
    );
    expect(await told(s, { compose: startFirst({ ports: '["127.0.0.2:80:8888"]' }) })).toBe('none');
  });

  it('is that of an edge that was made and never started', async () => {
    const s = await deployed(STOP_FIRST);
    s.agent.wish = { ...s.agent.wish, compose: startFirst() };
    while (!s.agent.steps.some((step) => step.startsWith('create-edge'))) await s.agent.tick();
    expect(await told(s, {})).toMatch(/from the container to the edge/);
  });
});

const withCheck = (check: string): string =>
  `services: {web: {image: org/web, restart: always, ports: ['80:8888'], healthcheck: {${check}}}}`;

describe('the deadline that is told beforehand', () => {
  const SLOW = withCheck('test: x, start_period: 2m');

  it('is that of a health check which needs longer than healthy-within', async () => {
    expect(await told(await deployed(SLOW), publish('2'), deadlineOf)).toBe(
      '330 s instead of 60 s, because its health check may say `starting` for so long',
    );
  });

  it.each([
    ['nothing changes', SLOW, {}],
    ['the check needs less', withCheck('test: x, interval: 1s, timeout: 1s'), publish('2')],
    ['there is no check', STOP_FIRST, publish('2')],
    ['the check is switched off', withCheck('disable: true'), publish('2')],
  ])('is none where %s', async (_what, compose, wish) => {
    expect(await told(await deployed(compose), wish, deadlineOf)).toBeNull();
  });

  it('is that of the image’s check, which the container that serves shows', async () => {
    const s = await deployed(STOP_FIRST);
    const seen = await s.agent.observe();
    const containers = seen.actual.containers.map((o) =>
      o.detail ? { ...o, detail: { ...o.detail, healthcheck: { startPeriodMs: 120_000 } } } : o,
    );
    const wanted = createSimulatedAgent(
      s.engine,
      { ...s.agent.wish, ...publish('2') },
      { ledger: s.agent.ledger },
    );
    const input = { ...(await wanted.observe()), actual: { ...seen.actual, containers } };
    const { now, steps } = dryRun(input);
    expect(now.services.map((plan) => deadlineOf(input, plan, steps))).toEqual([
      '330 s instead of 5 s, because its health check may say `starting` for so long',
    ]);
  });
});
