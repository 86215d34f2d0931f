import { describe, expect, it, vi } from 'vitest';
import { createAsk } from '../../../../src/adapters/docker/engine-call.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';

describe('a connection for questions', () => {
  it('stays open for the next one, but not for ever: engines close none', async () => {
    const { socketPath, connections } = await startFakeEngine(() => '[]');
    const ask = await createAsk({ socketPath }, '', 100);
    await ask.text('/networks');
    await ask.text('/images/json');
    expect(await connections()).toBe(1);
    await vi.waitFor(async () => expect(await connections()).toBe(0));
    expect(await ask.text('/networks')).toBe('[]');
  });
});
