import { expect, it } from 'vitest';
import { createAgent } from '../../../src/agent/agent.ts';
import { createSurroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';

it('a look that the end cuts short says nothing about the engine', async () => {
  const host = createSurroundings('services: { web: { image: org/web } }');
  host.engine.registry.push('org/web:1');
  host.publish(1, { web: 'org/web:1' });
  const ended = new AbortController();
  const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };
  const engine: typeof host.engine = {
    ...host.engine,
    observe: async (scope, signal) => {
      signal.throwIfAborted();
      return host.engine.observe(scope, signal);
    },
  };
  const agent = createAgent({ ...host, engine }, options, { running: true, version: '0', pid: 1 }, false);
  await agent.open(ended.signal);
  await agent.intake.fetch(ended.signal);
  await agent.pass(ended.signal);
  ended.abort();
  await agent.pass(ended.signal);
  expect(agent.status().outcome).not.toBe('offline');
  expect(host.events.map((e) => e.event)).not.toContain('engine.lost');
  expect(JSON.stringify(host.entries)).not.toContain('offline');
});
