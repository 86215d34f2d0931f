import { describe, expect, it } from 'vitest';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import type { AgentPorts } from '../../../src/agent/agent-ports.ts';
import { AgentError } from '../../../src/core/errors.ts';
import { createSurroundings, type Surroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';

const signal = new AbortController().signal;

const createHost = (): Surroundings => {
  const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
  host.engine.registry.push('org/web:1');
  host.engine.registry.push('org/web:2');
  return host;
};

const createOn = (ports: AgentPorts): Agent =>
  createAgent(
    ports,
    { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting },
    { running: true, version: '0', pid: 1 },
    false,
  );

/** Fetches, and passes until nothing moves. */
const settle = async (host: Surroundings, agent: Agent): Promise<void> => {
  await agent.intake.fetch(signal);
  for (let pass = 0; pass < 200; pass += 1) {
    await agent.pass(signal);
    await agent.reconciler.close(1_000);
    if (agent.reconciler.isSettled()) return;
    host.engine.advance(500);
  }
  throw new Error(`never settled: ${JSON.stringify(agent.status().services)}`);
};

const versions = (host: Surroundings): readonly string[] =>
  host.engine
    .actual()
    .containers.filter((c) => c.state === 'running')
    .map((c) => c.owner?.version ?? '');

/** One that runs version 1, deployed by an agent that has ended. */
const deployed = async (): Promise<Surroundings> => {
  const host = createHost();
  const agent = createOn(host);
  await agent.open(signal);
  host.publish(1, { web: 'org/web:1' });
  await agent.settleLedger(signal);
  await settle(host, agent);
  expect(versions(host)).toEqual(['1']);
  return host;
};

describe('a ledger that could not be read at the start', () => {
  it('is read as soon as it can be, and nothing was changed or accepted until then', async () => {
    const host = await deployed();
    const denied = new AgentError('STATE_DIR', 'cannot read: permission denied', { advice: 'chown it' });
    let isDenied = true;
    const agent = createOn({
      ...host,
      ledger: {
        ...host.ledger,
        read: async () => (isDenied ? Promise.reject(denied) : host.ledger.read()),
      },
    });
    expect(await agent.open(signal)).toBe(denied);
    host.publish(2, { web: 'org/web:2' });
    await settle(host, agent);
    expect(versions(host)).toEqual(['1']);
    expect(agent.status().problems).toEqual([
      { code: 'LEDGER', message: 'cannot read: permission denied', advice: 'chown it' },
    ]);
    isDenied = false;
    // The pass that reads it changes nothing yet; what was offered meanwhile is judged after it.
    await agent.pass(signal);
    expect(agent.status()).toMatchObject({ problems: [], services: [{ outcome: 'converged' }] });
    await settle(host, agent);
    expect(versions(host)).toEqual(['2']);
    expect(agent.status()).toMatchObject({ outcome: 'converged', problems: [], manifest: { serial: 2 } });
  });
});

describe('a trust file that cannot be read', () => {
  it('keeps what runs, accepts nothing, and is told as that', async () => {
    const host = await deployed();
    const problem = { message: 'trust.json is not valid', advice: 'correct it' };
    const agent = createOn({
      ...host,
      files: { ...host.files, trust: async () => Promise.resolve({ kind: 'problem', problem }) },
    });
    await agent.open(signal);
    host.publish(2, { web: 'org/web:2' });
    await settle(host, agent);
    expect(versions(host)).toEqual(['1']);
    expect(agent.status()).toMatchObject({
      outcome: 'blocked',
      manifest: { state: 'rejected', serial: 1, rejection: { reason: 'trust', ...problem } },
      services: [{ outcome: 'converged', desired: { version: '1' } }],
      problems: [{ code: 'TRUST', ...problem }],
    });
  });
});

describe('a manifest that is never answered anew', () => {
  it('expires all the same: a server that says "unchanged" for ever freezes nothing', async () => {
    const host = await deployed();
    const agent = createOn(host);
    await agent.open(signal);
    await agent.operate({ kind: 'pause', reason: 'migration', owner: 'ann', untilMs: null, all: false });
    const expiresAt = new Date(host.now() + 3_600_000).toISOString();
    host.publish(2, { web: 'org/web:2' }, { expiresAt });
    await settle(host, agent);
    expect(agent.status()).toMatchObject({ manifest: { state: 'accepted', serial: 2 } });
    host.set.fetched = { kind: 'unchanged' };
    host.engine.advance(3_600_000);
    await agent.operate({ kind: 'resume' });
    await settle(host, agent);
    expect(versions(host)).toEqual(['1']);
    expect(agent.status().services).toMatchObject([{ outcome: 'blocked', reason: 'expired' }]);
  });
});
