import { describe, expect, it } from 'vitest';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import { createSurroundings, type Surroundings } from '../../support/agent-ports.ts';
import { edgeSetting, ENVIRONMENT } from '../../support/world.ts';

const signal = new AbortController().signal;

const start = async (): Promise<{ host: Surroundings; agent: Agent }> => {
  const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
  host.engine.registry.push('org/web:1');
  host.publish(1, { web: 'org/web:1' });
  const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };
  const agent = createAgent(host, options, { running: true, version: '0', pid: 1 }, false);
  await agent.open(signal);
  await agent.settleLedger(signal);
  await agent.intake.fetch(signal);
  return { host, agent };
};

/** Lets so much time pass; whatever container of `web` is there is removed before each look. */
const removing = async ({ host, agent }: Awaited<ReturnType<typeof start>>, forMs: number): Promise<void> => {
  for (let passedMs = 0; passedMs < forMs; passedMs += 100) {
    for (const c of host.engine.actual().containers) host.engine.byHand.remove(c.name);
    await agent.pass(signal);
    await agent.reconciler.close(1_000);
    host.engine.advance(100);
  }
};

const createdIn = (host: Surroundings): number =>
  host.entries.filter((e) => e.event === 'container.created').length;

describe('a container that is removed again and again', () => {
  it('is created less and less often, and the service says why', async () => {
    const scene = await start();
    await removing(scene, 30_000);
    // 300 looks in 30 s: five at once, then after 2, 4, 8 and 16 s.
    expect(createdIn(scene.host)).toBeLessThanOrEqual(10);
    const [web] = scene.agent.status().services;
    expect(web).toMatchObject({
      outcome: 'blocked',
      reason: 'repeated',
      message: expect.stringMatching(
        /^test-web-1-\w+ was created \d+ times within \d+ s, .*another program removes it$/,
      ),
    });
    expect(web?.until).not.toBeNull();
    expect(scene.host.entries.map((e) => e.event)).toContain('action.repeated');
  });

  it('is created at once again when it has stayed for a while, and when another version is published', async () => {
    const scene = await start();
    await removing(scene, 10_000);
    const { host, agent } = scene;
    host.engine.registry.push('org/web:2');
    host.publish(2, { web: 'org/web:2' });
    await agent.intake.fetch(signal);
    for (let pass = 0; pass < 20; pass += 1) {
      await agent.pass(signal);
      await agent.reconciler.close(1_000);
      host.engine.advance(500);
    }
    expect(agent.status()).toMatchObject({ outcome: 'converged' });
  });
});

describe('a container that is changed again and again', () => {
  it('is put back less and less often, and the service says why', async () => {
    const { host, agent } = await start();
    const pass = async (): Promise<void> => {
      await agent.pass(signal);
      await agent.reconciler.close(1_000);
      host.engine.advance(100);
    };
    for (let passes = 0; passes < 100; passes += 1) await pass();
    expect(agent.status().outcome).toBe('converged');
    const name = host.engine.actual().containers[0]?.name ?? '';
    for (let passes = 0; passes < 300; passes += 1) {
      host.engine.byHand.disconnect(name, `${ENVIRONMENT}_default`);
      await pass();
    }
    const connected = host.entries.filter((e) => e.event === 'container.connected').length;
    expect(connected).toBeGreaterThanOrEqual(5);
    expect(connected).toBeLessThanOrEqual(10);
    expect(agent.status().services).toMatchObject([
      {
        outcome: 'blocked',
        reason: 'repeated',
        message: expect.stringMatching(/ on test_default was put back \d+ times within \d+ s \(connect\)/),
      },
    ]);
  });
});
