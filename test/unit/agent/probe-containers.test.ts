import { describe, expect, it } from 'vitest';
import { createProbing } from '../../../src/agent/probe-containers.ts';
import type { ProbeRequest } from '../../../src/core/plan/host-plan.ts';
import type { Probe, ProbeResult } from '../../../src/core/ports/probe.ts';
import { emptyActual } from '../../support/world.ts';

const request: ProbeRequest = {
  container: { id: 'c1', name: 'web' },
  host: '10.0.0.2',
  port: 8888,
  http: { path: '/up', headers: { host: 'www.example.com' } },
};
const actual = { ...emptyActual, containers: [{ id: 'c1' } as (typeof emptyActual.containers)[number]] };

describe('a container that is probed', () => {
  it('is told with what the last probe got, once for each new kind of failure, until it answers', async () => {
    const results: ProbeResult[] = [
      { ok: false, detail: 'the connection was refused' },
      { ok: false, detail: 'the connection was refused' },
      { ok: false, detail: 'it answered 400' },
      { ok: true },
    ];
    const asked: unknown[] = [];
    const probe: Probe = {
      tcp: () => Promise.reject(new Error('not asked')),
      http: (url, _timeoutMs, _signal, headers) => {
        asked.push([url, headers]);
        return Promise.resolve(results.shift() ?? { ok: true });
      },
    };
    const seen: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const probing = createProbing(probe, () => {
      seen.push([probing.unanswered(), probing.answered()]);
      if (probing.answered()['c1'] !== undefined) resolve();
    });
    probing.update([request], actual);
    await promise;
    probing.close();
    expect(seen).toEqual([
      [{ c1: 'the connection was refused' }, {}],
      [{ c1: 'it answered 400' }, {}],
      [{}, { c1: 0 }],
    ]);
    expect(asked[0]).toEqual(['http://10.0.0.2:8888/up', { host: 'www.example.com' }]);
  });
});
