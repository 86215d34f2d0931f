import { describe, expect, it } from 'vitest';
import type { HostPlan } from '../../../../src/core/plan/host-plan.ts';
import { emptyLedger } from '../../../../src/core/state/ledger.ts';
import { createSimulatedAgent, outcomesOf } from '../../../support/simulated-agent.ts';
import { ENVIRONMENT } from '../../../support/world.ts';
import { startFirst } from './edge/scenes.ts';
import { running, scenario, web, WEB, type Scenario } from './scenario.ts';

const images = {
  'docker.io/library/haproxy:3.2': {},
  'org/web:mute': { health: 'starting' },
  'org/web:slow': { health: 'healthy', afterMs: 3_000 },
  'org/web:good': { health: 'healthy' },
  'org/web:bad': { health: 'unhealthy' },
} as const;

const STOP_FIRST = startFirst({ order: 'stop-first', ports: '["80:8888"]' });

interface Watched extends Scenario {
  /** Every role and outcome that was ever told. */
  readonly told: Set<string>;
}

/** The first release has just been started, and has yet to prove itself. */
const started = async (compose: string, version: string): Promise<Watched> => {
  const told = new Set<string>();
  const onPlan = ({ services }: HostPlan): void => {
    for (const { running: replicas, decision } of services) {
      for (const r of replicas) told.add(`${r.version} ${r.role}`);
      if (decision.kind === 'rolled-back') told.add(`rolled-back to ${decision.to}`);
    }
  };
  const s = { ...scenario(compose, images, { onPlan }), told };
  s.agent.wish = { ...s.agent.wish, versions: web(version) };
  while (!s.agent.steps.includes(`start web ${version}`)) await s.agent.tick();
  return s;
};

const publish = async (s: Scenario, version: string, serial = 2): Promise<HostPlan> => {
  s.agent.wish = { ...s.agent.wish, versions: web(version), published: { serial } };
  return s.agent.settle();
};

describe.each([
  ['stop-first', STOP_FIRST],
  ['start-first', startFirst()],
])('a release that is followed by a bad one before it has proved itself (%s)', (_, compose) => {
  it('is nothing to go back to where it never answers: both are taken away, and the service is down', async () => {
    const s = await started(compose, 'mute');
    const plan = await publish(s, 'bad');
    expect(outcomesOf(plan)).toEqual({ web: 'blocked down' });
    expect(plan.services[0]?.decision).toMatchObject({
      message: expect.stringMatching(/^nothing serves: bad failed here/),
    });
    expect(running(s).filter((name) => name.startsWith('web'))).toEqual([]);
    expect([...s.told].filter((t) => /^mute serving|rolled-back/.test(t))).toEqual([]);
    const { failure, earlierFailures } = s.agent.ledger.services['web'] ?? {};
    expect([failure?.version, ...(earlierFailures ?? []).map((f) => f.version)]).toEqual(['bad', 'mute']);
  });

  it('is gone back to once it is good within its own time', async () => {
    const s = await started(compose, 'slow');
    const plan = await publish(s, 'bad');
    expect(outcomesOf(plan)).toEqual({ web: 'rolled-back bad → slow' });
    expect(running(s).filter((name) => name.startsWith('web'))).toEqual(['web slow']);
    expect(s.agent.ledger.services['web']?.good[0]?.release.version).toBe('slow');
    s.since();
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'rolled-back bad → slow' });
    expect(s.since()).toEqual([]);
  });

  it('gives way to one that is good', async () => {
    const s = await started(compose, 'mute');
    expect(outcomesOf(await publish(s, 'good'))).toEqual({ web: 'converged' });
    expect(running(s).filter((name) => name.startsWith('web'))).toEqual(['web good']);
  });

  it('keeps its deadline while the next one can not begin, and is taken away at it', async () => {
    const s = await started(compose, 'mute');
    s.engine.registry.setState('denied');
    expect(outcomesOf(await publish(s, 'bad'))).toEqual({ web: 'blocked auth' });
    expect(running(s).filter((name) => name.startsWith('web'))).toEqual([]);
    expect(s.agent.ledger.services['web']?.failure?.version).toBe('mute');
    expect([...s.told].filter((t) => t.startsWith('mute serving'))).toEqual([]);
  });

  it('is remembered while the next one can not begin, and is then something to go back to', async () => {
    const s = await started(compose, 'slow');
    s.engine.registry.setState('denied');
    expect(outcomesOf(await publish(s, 'bad'))).toEqual({ web: 'blocked auth' });
    s.engine.registry.setState('up');
    expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'rolled-back bad → slow' });
  });
});

describe('what runs after a lost ledger was rebuilt', () => {
  it('counts as serving, and is kept while nothing is known of a version', async () => {
    const s = await started(WEB, 'good');
    await s.agent.settle();
    const ledger = { ...emptyLedger(ENVIRONMENT), recoveredAtMs: s.engine.now() };
    const next = createSimulatedAgent(s.engine, { compose: WEB }, { ledger });
    const plan = await next.settle();
    expect(outcomesOf(plan)).toEqual({ web: 'wait unpublished' });
    expect(plan.services[0]?.running.map((r) => r.role)).toEqual(['serving']);
    expect(next.steps).toEqual([]);
  });
});
