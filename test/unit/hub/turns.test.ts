import { afterEach, describe, expect, it, vi } from 'vitest';
import { READS_PACE } from '../../../src/core/hub/reads-pace.ts';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import { createTurnHost, digestOf, pacedManifest, type TurnHost } from '../../support/turn-host.ts';
import { bearer, manifestText, PUBLISH, scene, SECRET } from './scene.ts';
import { ask, holds, put, reaches, report, rolloutOf, send, states, stored, fleet } from './turn-scene.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** The first host has the one turn, and the request of the second one is held. */
const oneHeld = async () => {
  const { hub, hosts } = await fleet(['web-1', 'web-2']);
  const [first, second] = hosts as [TurnHost, TurnHost];
  await put(hub, pacedManifest('staging', 3, { web: 2 }));
  await ask(hub, first, first.request(2, 3));
  const held = send(hub, second, second.request(2, 3));
  await holds(hub, 1);
  return { hub, first, second, held };
};

describe('a hub without a pace', () => {
  it('keeps no turns, and says so', async () => {
    const hub = await scene();
    await put(hub, manifestText('staging', 1));
    await report(hub, createTurnHost('web-1'), 1, 'good');
    expect(await rolloutOf(hub)).toMatchObject({ serial: 1, pace: null, changes: [], revision: 0 });
    expect(await rolloutOf(hub, 'unknown')).toMatchObject({ serial: 0, pace: null, changes: [] });
    await expect(stored(hub)).rejects.toThrow(/ENOENT/);
    expect(await (await hub.get('/metrics')).text()).not.toContain('supercargo_hub_turn');
  });

  it('hands out one turn where a host wants turns always', async () => {
    const hub = await scene();
    const [first, second] = [createTurnHost('web-1'), createTurnHost('web-2')];
    await put(hub, pacedManifest('staging', 1, { web: 1 }, null));
    for (const host of [first, second]) await report(hub, host, 1, 'good');
    await put(hub, pacedManifest('staging', 2, { web: 2 }, null));
    first.asked = ['web'];
    await report(hub, first, 2, 'none');
    expect(await ask(hub, first, first.request(2, 2))).toMatchObject({
      answer: 'granted',
      services: ['web'],
      askAfterSeconds: 0,
    });
    expect(await stored(hub)).toMatchObject({ pace: null, serial: 2, revision: 1 });
    const held = send(hub, second, second.request(2, 2));
    await holds(hub, 1);
    await report(hub, first, 2, 'good');
    expect(await (await held).json()).toMatchObject({ answer: 'granted' });
    // Such an environment has no change, so that no publish waits for one.
    expect((await put(hub, pacedManifest('staging', 3, { web: 3 }, null))).status).toBe(204);
  });

  it('has no turns for more environments than it was given', async () => {
    const limits = { environments: 1, hosts: 9, connections: 99, archiveBytes: 1024, services: 10 };
    const { hub } = await fleet(['web-1'], { limits });
    await rolloutOf(hub);
    const host = createTurnHost('db-1');
    const token = bearer(hostToken(SECRET, 'other', 'db-1'));
    const answer = await hub.post('/turns/other/db-1', host.request(1, 1), token);
    expect([answer.status, await answer.json()]).toMatchObject([507, { error: { code: 'too-many' } }]);
  });
});

describe('a host that asks for a turn', () => {
  it('gets it, with what the store then has on disk', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    const answer = await ask(hub, first, first.request(2, 3));
    expect(answer).toMatchObject({ apiVersion: 'supercargo/turn/v1', answer: 'granted', services: ['web'] });
    const state = await stored(hub);
    expect(state.revision).toBe(answer.revision);
    expect(state.turns['web-1']).toMatchObject({ engine: 'engine-of-web-1' });
    expect((await rolloutOf(hub)).holders).toMatchObject([{ host: 'web-1', state: 'granted' }]);
    expect(hub.events.map(({ event }) => event)).toContain('turn.granted');
  });

  it('is held while another one has the slot, and gets it as soon as that one is good', async () => {
    const { hub, first, second, held } = await oneHeld();
    await report(hub, first, 2, 'begun');
    await holds(hub, 1);
    await report(hub, first, 2, 'good');
    expect(await (await held).json()).toMatchObject({ answer: 'granted', services: ['web'] });
    await holds(hub, 0);
    await report(hub, second, 2, 'good');
    await reaches(hub, '3 finished');
  });

  it('gives its place back when it goes away', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2', 'web-3', 'web-4']);
    const [first, ...others] = hosts as [TurnHost, TurnHost, TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    const gone = new AbortController();
    const [a, b, c] = others;
    const held = [a, b].map((host) => send(hub, host, host.request(2, 3), gone.signal));
    await holds(hub, 2);
    // Twice as many as there are slots are held; the next one is told when to come again.
    const told = await ask(hub, c, c.request(2, 3));
    expect(told.answer).toBe('wait');
    expect(told.askAfterSeconds).toBeGreaterThan(0);
    expect(told.refused).toMatchObject([{ service: 'web', holders: [{ host: 'web-1' }] }]);
    gone.abort();
    await Promise.allSettled(held);
    await holds(hub, 0);
    const waits = send(hub, c, c.request(2, 3));
    await holds(hub, 1);
    await report(hub, first, 2, 'good');
    expect(await (await waits).json()).toMatchObject({ answer: 'granted' });
  });

  it('is answered at once when the hub ends', async () => {
    const { hub, held } = await oneHeld();
    await hub.stop();
    const answer = await held;
    expect(answer.headers.get('connection')).toBe('close');
    expect(await answer.json()).toMatchObject({ answer: 'wait' });
  });

  it('is answered after 25 s, and asks again at once', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const held = send(hub, second, second.request(2, 3));
    await holds(hub, 1);
    await vi.advanceTimersByTimeAsync(24_000);
    await holds(hub, 1);
    await vi.advanceTimersByTimeAsync(3000);
    expect(await (await held).json()).toMatchObject({ answer: 'wait', askAfterSeconds: 0 });
  });

  it('is answered at once where a job is done, although it waits for a slot', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    const job = { service: 'migrate', digest: digestOf(2), attempt: 0 };
    const { turns, ...status } = second.report(1, 'good');
    await hub.report('staging', 'web-2', { ...status, turns: { ...turns, jobs: [job] } });
    const request = second.request(2, 3);
    const wish = {
      ...job,
      entry: 'web',
      release: 'r',
      kind: 'job',
      serves: false,
      dependents: ['web'],
    } as const;
    const told = await ask(hub, second, { ...request, services: [...request.services, wish] });
    expect(told).toMatchObject({ answer: 'wait', done: [job], refused: [{ service: 'web' }] });
    expect(told.askAfterSeconds).toBeGreaterThan(0);
  });

  it('is told when it is halted, also while it is held', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2', 'web-3']);
    const [first, second, third] = hosts as [TurnHost, TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    const held = send(hub, second, second.request(2, 3));
    await holds(hub, 1);
    await report(hub, first, 2, 'failed');
    expect(await (await held).json()).toMatchObject({
      answer: 'halted',
      refused: [{ service: 'web', hosts: ['web-1'] }],
    });
    expect(await ask(hub, third, third.request(2, 3))).toMatchObject({ answer: 'halted' });
    expect(await states(hub)).toContain('3 halted');
    expect(hub.events.filter(({ event }) => event === 'change.halted')).toHaveLength(1);
  });

  it('writes nothing while it only waits or reports the same', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    const gone = new AbortController();
    const held = send(hub, second, second.request(2, 3), gone.signal);
    await holds(hub, 1);
    const { revision } = await rolloutOf(hub);
    for (let beat = 0; beat < 5; beat += 1) await report(hub, second, 1, 'good');
    expect((await rolloutOf(hub)).revision).toBe(revision);
    gone.abort();
    await Promise.allSettled([held]);
  });

  it.each([
    ['by an older request', { seq: 0 }, 'older'],
    ['by another engine', { engine: 'another' }, 'engine'],
  ])('is refused %s', async (_what, change, code) => {
    const { hub, hosts } = await fleet(['web-1']);
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    const answer = await send(hub, first, first.request(2, 3, change));
    expect([answer.status, await answer.json()]).toMatchObject([409, { error: { code } }]);
    expect(hub.events).toContainEqual({
      event: 'turn.refused',
      fields: expect.objectContaining({ reason: code }),
    });
  });

  it('is refused by a life that another one has replaced', async () => {
    const { hub, hosts } = await fleet(['web-1']);
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    const old = first.request(2, 3, { seq: 99 });
    await ask(hub, first, old);
    first.restart();
    await ask(hub, first, first.request(2, 3));
    expect((await send(hub, first, { ...old, seq: 100 })).status).toBe(409);
  });
});

describe('what a person says', () => {
  const by = 'ann@build';

  it('halts, resumes, frees and leaves out, and is in the audit list and the log', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    const say = async (kind: string, members: object): Promise<RolloutStatus> => {
      const answer = await hub.post(`/rollouts/staging/${kind}`, { by, reason: kind, ...members });
      expect(answer.status).toBe(200);
      return (await answer.json()) as RolloutStatus;
    };
    expect(await say('halt', { forSeconds: 3600 })).toMatchObject({
      halt: { reason: 'halt', by },
      changes: [{ serial: 3, state: 'halted' }],
    });
    expect(await ask(hub, first, first.request(2, 3))).toMatchObject({ answer: 'halted' });
    expect(await say('resume', {})).toMatchObject({ halt: null });
    expect(await ask(hub, first, first.request(2, 3))).toMatchObject({ answer: 'granted' });
    const held = send(hub, second, second.request(2, 3));
    await holds(hub, 1);
    await say('free', { host: 'web-1' });
    expect(await (await held).json()).toMatchObject({ answer: 'granted' });
    expect(await say('leave-out', { host: 'web-1', undo: false })).toMatchObject({
      leftOut: [{ host: 'web-1', reason: 'leave-out', by }],
    });
    expect(await say('leave-out', { host: 'web-1', undo: true })).toMatchObject({ leftOut: [] });
    const commanded = hub.events.filter(({ event }) => event === 'rollout.commanded');
    expect(commanded.map(({ fields }) => fields['result'])).toEqual([
      'halt',
      'resume',
      'free',
      'leave-out',
      'undo',
    ]);
    expect((await rolloutOf(hub)).audit[0]).toMatchObject({ what: 'undo', host: 'web-1', by });
  });

  it('frees the turn of a host whose report is removed', async () => {
    const { hub, held } = await oneHeld();
    expect((await hub.remove('/reports/staging/web-1.json')).status).toBe(204);
    expect(await (await held).json()).toMatchObject({ answer: 'granted' });
  });
});

describe('a publish to an environment with a pace', () => {
  it('without a pace is refused while a change is unfinished, unless it is wanted anyway', async () => {
    const { hub, hosts } = await fleet(['web-1']);
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    const refused = await put(hub, pacedManifest('staging', 4, { web: 2 }, null));
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      { error: { code: 'unfinished', message: expect.stringContaining('3 (web)') } },
    ]);
    expect((await put(hub, pacedManifest('staging', 4, { web: 2 }))).status).toBe(204);
    expect((await put(hub, pacedManifest('staging', 5, { web: 2 }, null), '?anyway')).status).toBe(204);
    expect(await rolloutOf(hub)).toMatchObject({ serial: 5, pace: null, changes: [] });
    await put(hub, pacedManifest('staging', 6, { web: 3 }));
    await ask(hub, first, first.request(3, 6));
    await report(hub, first, 3, 'good');
    await reaches(hub, '6 finished');
    expect((await put(hub, pacedManifest('staging', 7, { web: 3 }, null))).status).toBe(204);
  });

  it('by a publisher that cannot read a pace is refused, finished or not, unless it is wanted anyway', async () => {
    const { hub } = await fleet([]);
    const unpaced = pacedManifest('staging', 3, { web: 1 }, null);
    const publishedByOlder = async (query = ''): Promise<Response> =>
      hub.put(`/manifests/staging.json${query}`, unpaced, bearer(PUBLISH));
    const refused = await publishedByOlder();
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      {
        error: { code: 'pace', advice: expect.stringMatching(/upgrade this publisher.*pace staging --none/) },
      },
    ]);
    expect((await rolloutOf(hub)).pace).not.toBeNull();
    // It would promote from there what was published before the pace.
    const other = await hub.publish('production', 1);
    expect([other.status, await other.json()]).toMatchObject([
      409,
      { error: { code: 'pace', message: expect.stringMatching(/^staging has a pace/) } },
    ]);
    expect((await hub.publish('production', 1, READS_PACE)).status).toBe(201);
    expect((await publishedByOlder('?anyway')).status).toBe(204);
    expect((await hub.publish('production', 2)).status).toBe(204);
  });

  it('wakes a host that asked before the store had its version', async () => {
    const { hub, held } = await oneHeld();
    await put(hub, pacedManifest('staging', 4, { web: 3 }));
    expect(await (await held).json()).toMatchObject({ answer: 'other-version' });
  });
});

describe('the metrics of a hub', () => {
  it('count turns, changes and requests', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    const text = await (await hub.get('/metrics')).text();
    expect(text).toContain('supercargo_hub_turns{environment="staging",state="granted"} 1\n');
    expect(text).toContain('supercargo_hub_changes{environment="staging",state="switching"} 1\n');
    expect(text).toContain('supercargo_hub_turn_requests_total{answer="granted"} 1\n');
  });
});
