import { describe, expect, it } from 'vitest';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import { AgentError } from '../../../src/core/errors.ts';
import { createSurroundings, type Surroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';

const { signal } = new AbortController();
const DAY_MS = 86_400_000;

/** A host whose clock can be set; the engine's containers go on by the time that passes. */
interface Clocked {
  readonly host: Surroundings;
  readonly agent: Agent;
  readonly step: (ms: number) => void;
  readonly pass: (times?: number) => Promise<void>;
  readonly outcome: () => string | undefined;
}

const start = async (compose: string): Promise<Clocked> => {
  const host = createSurroundings(compose);
  // Not so near to 1970 that a day before is before it.
  host.engine.advance(10 * DAY_MS);
  host.engine.registry.push('org/web:1', { health: 'healthy' });
  host.engine.registry.push('org/web:slow', { health: 'healthy', afterMs: 4_000 });
  host.engine.registry.push('org/web:sick', { health: 'starting' });
  host.engine.registry.push('org/web:plain');
  // The engine lives by the same clock: only a step forward is the agent's alone, or its containers would have lived a day.
  const state = { aheadMs: 0 };
  const now = (): number => host.engine.now() + state.aheadMs;
  const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };
  const agent = createAgent({ ...host, now }, options, { running: true, version: '0', pid: 1 }, false);
  await agent.open(signal);
  const pass = async (times = 1): Promise<void> => {
    for (let count = 0; count < times; count += 1) {
      await agent.pass(signal);
      await agent.reconciler.close(1_000);
      host.engine.advance(500);
    }
  };
  await agent.settleLedger(signal);
  return {
    host,
    agent,
    step: (ms) => {
      if (ms < 0) host.engine.advance(ms);
      else state.aheadMs += ms;
    },
    pass,
    outcome: () => agent.status().services[0]?.outcome,
  };
};

const publish = async ({ host, agent }: Clocked, serial: number, version: string): Promise<void> => {
  host.publish(serial, { web: `org/web:${version}` });
  await agent.intake.fetch(signal);
};

const WEB = 'services: { web: { image: org/web, restart: always, x-supercargo: { healthy-within: 10s } } }';

/** Version 1 serves, and another one is being judged. */
const judging = async (version: string): Promise<Clocked> => {
  const clocked = await start(WEB);
  await publish(clocked, 1, '1');
  await clocked.pass(20);
  expect(clocked.outcome()).toBe('converged');
  await publish(clocked, 2, version);
  await clocked.pass(6);
  expect(clocked.outcome()).toBe('progressing');
  return clocked;
};

describe('a clock that is set', () => {
  it('a day forward blames no candidate for the day that never was', async () => {
    const clocked = await judging('slow');
    clocked.step(DAY_MS);
    await clocked.pass(20);
    expect(clocked.agent.status().services).toMatchObject([{ outcome: 'converged', failure: null }]);
  });

  it.each([
    ['a day back', -DAY_MS],
    ['a day forward', DAY_MS],
  ])('%s does not keep a bad candidate from being found out', async (_what, stepMs) => {
    const clocked = await judging('sick');
    clocked.step(stepMs);
    await clocked.pass(60);
    expect(clocked.outcome()).toBe('rolled-back');
  });

  it('a day back lets one without a health check prove itself in its own time, not a day later', async () => {
    const clocked = await judging('plain');
    clocked.step(-DAY_MS);
    await clocked.pass(30);
    expect(clocked.outcome()).toBe('converged');
  });

  it('a day back makes nobody wait a day for the next try', async () => {
    const clocked = await start(WEB);
    const error = new AgentError('REGISTRY', 'cannot pull: 503', { retry: 'later' });
    clocked.host.engine.fail({ kind: 'pull', error, times: 1 });
    await publish(clocked, 1, '1');
    await clocked.pass(2);
    expect(clocked.outcome()).toBe('waiting');
    clocked.step(-DAY_MS);
    await clocked.pass(30);
    expect(clocked.outcome()).toBe('converged');
  });

  it('a day back makes nobody wait a day for the manifest', async () => {
    const clocked = await start(WEB);
    clocked.host.set.fetched = { kind: 'failed', error: new AgentError('MANIFEST_UNREACHABLE', 'away') };
    await clocked.agent.intake.fetch(signal);
    await clocked.pass();
    clocked.step(-DAY_MS);
    await clocked.pass();
    expect(clocked.agent.intake.state().source.notBeforeMs).toBe(0);
  });
});
