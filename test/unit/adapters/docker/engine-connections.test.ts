import { request } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { engineAgent } from '../../../../src/adapters/docker/engine-connections.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';

describe('connections to an engine', () => {
  it('are one word for a debug line, however many there are', async () => {
    const { socketPath } = await startFakeEngine(() => '{}');
    const agent = await engineAgent(false);
    const { promise, resolve } = Promise.withResolvers<void>();
    request({ socketPath, agent, path: '/_ping' }, (answer) => answer.resume().once('end', resolve)).end();
    await promise;
    // As docker-modem asks, before every request.
    expect(inspect({ agent }, { showHidden: true, depth: null })).toBe('{ agent: connections to an engine }');
    agent.destroy();
  });
});
