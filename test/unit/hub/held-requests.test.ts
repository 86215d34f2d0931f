import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWaiting } from '../../../src/hub/http/held-requests.ts';
import { eventually } from '../../support/poll.ts';
import { hostStatus } from '../../support/status.ts';
import { manifestText, type Scene, scene } from './scene.ts';

afterEach(() => {
  vi.useRealTimers();
});

const held = async (hub: Scene, count: number): Promise<void> => {
  await eventually(
    async () =>
      (await (await hub.get('/metrics')).text()).includes(`supercargo_hub_held_polls ${String(count)}\n`),
    { describe: () => `${String(count)} polls are held` },
  );
};
const tagOf = async (hub: Scene, path: string): Promise<string> =>
  (await hub.get(path)).headers.get('etag') ?? '';

describe('a long poll for a manifest', () => {
  const path = '/manifests/staging.json';

  it('ends with the new one when it is published', async () => {
    const hub = await scene();
    await hub.publish('staging', 1);
    await hub.publish('production', 1);
    const known = { 'if-none-match': await tagOf(hub, path), prefer: 'wait=300' };
    const polls = [hub.get(path, known), hub.get(path, known)];
    await held(hub, 2);
    await hub.publish('production', 2);
    await held(hub, 2);
    await hub.publish('staging', 2);
    for (const answer of await Promise.all(polls)) {
      expect([answer.status, answer.headers.get('preference-applied')]).toEqual([200, 'wait=300']);
      expect(await answer.text()).toBe(manifestText('staging', 2));
    }
    await held(hub, 0);
  });

  it('ends with 304 when its time is over', async () => {
    const hub = await scene();
    await hub.publish('staging', 1);
    const known = { 'if-none-match': await tagOf(hub, path), prefer: 'respond-async, wait=1' };
    const started = performance.now();
    const answer = await hub.get(path, known);
    expect([answer.status, answer.headers.get('preference-applied')]).toEqual([304, 'wait=1']);
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  it.each([
    ['it has an older one', { 'if-none-match': '"old"', prefer: 'wait=300' }, 200],
    ['it has none', { prefer: 'wait=300' }, 200],
    ['it does not want to wait', { prefer: 'wait=0' }, 200],
  ])('is answered at once where %s', async (_what, headers, status) => {
    const hub = await scene();
    await hub.publish('staging', 1);
    const answer = await hub.get(path, headers);
    expect([answer.status, answer.headers.get('preference-applied')]).toEqual([status, null]);
    expect((await hub.get('/manifests/production.json', headers as Record<string, string>)).status).toBe(404);
  });

  it('is forgotten when its client goes', async () => {
    const hub = await scene();
    await hub.publish('staging', 1);
    const gone = new AbortController();
    const headers = { 'if-none-match': await tagOf(hub, path), prefer: 'wait=300' };
    const poll = fetch(`${hub.url}${path}`, { headers, signal: gone.signal }).catch(() => 'gone');
    await held(hub, 1);
    gone.abort();
    expect(await poll).toBe('gone');
    await held(hub, 0);
  });

  it('ends with 304 when the hub ends', async () => {
    const hub = await scene();
    await hub.publish('staging', 1);
    const poll = hub.get(path, { 'if-none-match': await tagOf(hub, path), prefer: 'wait=300' });
    await held(hub, 1);
    await hub.stop();
    const answer = await poll;
    expect([answer.status, answer.headers.get('connection')]).toEqual([304, 'close']);
  });
});

const at = (ms: number): string => new Date(ms).toISOString();

describe('a long poll for reports', () => {
  const path = '/reports/staging';

  it('ends with the list when a host says something new', async () => {
    const hub = await scene();
    await hub.report('staging', 'web-1', hostStatus());
    const poll = hub.get(path, { 'if-none-match': await tagOf(hub, path), prefer: 'wait=300' });
    await held(hub, 1);
    await hub.report('staging', 'web-1', hostStatus({ outcome: 'blocked' }));
    expect(await (await poll).json()).toMatchObject({ hosts: [{ status: { outcome: 'blocked' } }] });
  });

  it('sleeps over heartbeats, and tells of them at its end', async () => {
    const hub = await scene();
    await hub.report('staging', 'web-1', hostStatus({ at: at(1000) }));
    const poll = hub.get(path, { 'if-none-match': await tagOf(hub, path), prefer: 'wait=300' });
    await held(hub, 1);
    await hub.report('staging', 'web-1', hostStatus({ at: at(2000) }));
    await held(hub, 1);
    await hub.stop();
    const answer = await poll;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ hosts: [{ status: { at: at(2000) } }] });
  });

  it('sees the last of many changes', async () => {
    const hub = await scene();
    const hosts = Array.from({ length: 30 }, (_, index) => `web-${String(index)}`);
    await Promise.all(hosts.map((host) => hub.report('staging', host, hostStatus({ host }))));
    const seen = async (): Promise<number> => {
      const tag = await tagOf(hub, path);
      const { hosts: all } = (await (await hub.get(path)).json()) as {
        hosts: { status: { outcome: string } }[];
      };
      const blocked = all.filter(({ status }) => status.outcome === 'blocked').length;
      if (blocked === 30) return blocked;
      await hub.get(path, { 'if-none-match': tag, prefer: 'wait=60' });
      return seen();
    };
    const watching = seen();
    await Promise.all(
      hosts.map((host) => hub.report('staging', host, hostStatus({ host, outcome: 'blocked' }))),
    );
    expect(await watching).toBe(30);
  });
});

describe('the wheel of waits', () => {
  it('ends each wait after its time, with one timer for all', () => {
    vi.useFakeTimers();
    const waiting = createWaiting(300);
    const ends: string[] = [];
    for (const seconds of [1, 2, 300, 900])
      waiting.hold('a', seconds, (end) => ends.push(`${String(seconds)} ${end}`));
    expect([vi.getTimerCount(), waiting.held()]).toEqual([1, 4]);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual(['1 over']);
    vi.advanceTimersByTime(298_000);
    expect(ends).toEqual(['1 over', '2 over']);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual(['1 over', '2 over', '300 over', '900 over']);
    expect([vi.getTimerCount(), waiting.held()]).toEqual([0, 0]);
  });

  it('calls each once, and not at all who has gone', () => {
    vi.useFakeTimers();
    const waiting = createWaiting(300);
    const ends: string[] = [];
    const release = waiting.hold('a', 5, (end) => ends.push(`gone ${end}`));
    waiting.hold('a', 5, (end) => {
      ends.push(end);
      // Who asks again in the same moment waits for the next change.
      waiting.hold('a', 5, (again) => ends.push(`again ${again}`));
    });
    waiting.hold('b', 5, (end) => ends.push(`b ${end}`));
    release();
    release();
    waiting.wake('a');
    waiting.wake('nobody');
    expect(ends).toEqual(['changed']);
    waiting.close();
    expect(ends).toEqual(['changed', 'b closing', 'again closing']);
    waiting.hold('a', 5, (end) => ends.push(`late ${end}`));
    expect(ends.at(-1)).toBe('late closing');
    expect(vi.getTimerCount()).toBe(0);
  });
});
