import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHubFiles } from '../../../src/adapters/hub-files/hub-files.ts';
import { createTurnFiles } from '../../../src/adapters/hub-files/turn-files.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { TurnStore } from '../../../src/core/ports/turn-store.ts';
import type { TurnState } from '../../../src/core/turns/turn-state.ts';
import { pacedManifest, type TurnHost } from '../../support/turn-host.ts';
import { bearer, noFiles, PUBLISH } from './scene.ts';
import { ask, holds, put, report, rolloutOf, send, STATE, fleet } from './turn-scene.ts';

describe('a hub that was killed or restored', () => {
  it('makes the changes of every manifest that its turns have not followed, in order', async () => {
    const { hub } = await fleet(['web-1']);
    await rolloutOf(hub);
    const before = await readFile(join(hub.folder, STATE));
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await put(hub, pacedManifest('staging', 4, { web: 2, api: 1 }));
    await put(hub, pacedManifest('staging', 5, { web: 3, api: 1 }));
    await rolloutOf(hub);
    await hub.stop();
    await writeFile(join(hub.folder, STATE), before);
    // The current manifest was written, its copy in the history was not.
    await rm(join(hub.folder, 'manifests/staging/5.json'));
    await hub.restart();
    expect(await rolloutOf(hub)).toMatchObject({
      serial: 5,
      changes: [
        { serial: 4, entries: [{ entry: 'api', version: '1' }] },
        { serial: 5, entries: [{ entry: 'web', version: '3' }] },
      ],
    });
  });

  it('begins at the last manifest without a pace where its turns are lost', async () => {
    const { hub } = await fleet(['web-1']);
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await hub.stop();
    await rm(join(hub.folder, STATE), { force: true });
    await hub.restart();
    expect(await rolloutOf(hub)).toMatchObject({
      serial: 3,
      changes: [{ serial: 3, entries: [{ entry: 'web' }] }],
    });
  });

  it('goes back with a repair that sets newer manifests aside', async () => {
    const { hub, hosts } = await fleet(['web-1']);
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await put(hub, pacedManifest('staging', 900, { web: 6, api: 6 }));
    expect(await rolloutOf(hub)).toMatchObject({ serial: 900 });
    await hub.stop();
    await rm(join(hub.folder, 'manifests/staging/900.json'));
    await writeFile(join(hub.folder, 'manifests/staging.json'), pacedManifest('staging', 3, { web: 2 }));
    await hub.restart();
    expect(await rolloutOf(hub)).toMatchObject({
      serial: 3,
      changes: [{ serial: 3, entries: [{ entry: 'web', version: '2' }] }],
    });
    await report(hub, first, 1, 'good');
    expect(await ask(hub, first, first.request(2, 3))).toMatchObject({ answer: 'granted' });
    await put(hub, pacedManifest('staging', 4, { web: 3 }));
    expect(await rolloutOf(hub)).toMatchObject({ changes: [{ serial: 4 }] });
  });

  it('grants nothing that it could not write', async () => {
    const disk = { isFull: false };
    const { hub, hosts } = await fleet(['web-1', 'web-2'], {
      disk: (files) => ({
        ...files,
        apply: async (changes) =>
          disk.isFull
            ? changes.map(() => new AgentError('STORE', 'cannot write', { fields: { code: 'ENOSPC' } }))
            : files.apply(changes),
      }),
    });
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await rolloutOf(hub);
    disk.isFull = true;
    const answer = await send(hub, first, first.request(2, 3));
    expect([answer.status, await answer.json()]).toMatchObject([507, { error: { code: 'store' } }]);
    disk.isFull = false;
    expect((await rolloutOf(hub)).holders).toEqual([]);
    expect(await ask(hub, second, second.request(2, 3))).toMatchObject({ answer: 'granted' });
  });

  it('keeps turns and halts over a restart', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    await hub.post('/rollouts/staging/halt', { reason: 'r', by: 'b', forSeconds: null });
    await hub.restart();
    const { holders, halt } = await rolloutOf(hub);
    expect(holders).toMatchObject([{ host: 'web-1' }]);
    expect(halt).toMatchObject({ reason: 'r' });
    // Both are heard, so that the halt is the reason and not the start.
    for (const host of [first, second]) await report(hub, host, 1, 'good');
    expect(await ask(hub, second, second.request(2, 3))).toMatchObject({ answer: 'halted' });
  });

  it('grants nothing before it has heard every host that was not silent', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await hub.restart();
    expect((await rolloutOf(hub)).starting).toMatchObject({ hosts: ['web-1', 'web-2'] });
    await report(hub, first, 1, 'good');
    const told = await ask(hub, first, first.request(2, 3));
    expect(told).toMatchObject({ answer: 'wait', refused: [{ message: expect.stringContaining('web-2') }] });
    await report(hub, second, 1, 'good');
    expect((await rolloutOf(hub)).starting).toBeNull();
    expect(await ask(hub, first, first.request(2, 3))).toMatchObject({ answer: 'granted' });
  });

  it('keeps the place of a host that does not serve while no host has reached it', async () => {
    const clock = { ms: Date.now() };
    const { hub, hosts } = await fleet(['web-1', 'web-2'], { now: () => clock.ms });
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await report(hub, first, 1, 'good', {}, { serves: false });
    clock.ms += 600_000;
    // The first to come back asks at once, and its report follows.
    const told = await ask(hub, second, second.request(2, 3));
    expect(told.refused).toMatchObject([{ message: expect.stringContaining('has not heard this host') }]);
    await report(hub, second, 1, 'good');
    expect((await rolloutOf(hub)).holders).toMatchObject([{ host: 'web-1', state: 'not-serving' }]);
  });

  it('waits for three minutes at most, and for a host with a turn whose report is lost', async () => {
    const clock = { ms: Date.now() };
    const { hub, hosts } = await fleet(['web-1', 'web-2'], { now: () => clock.ms });
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await ask(hub, first, first.request(2, 3));
    await hub.stop();
    await rm(join(hub.folder, 'reports'), { recursive: true });
    await hub.restart();
    expect(await rolloutOf(hub)).toMatchObject({
      starting: { hosts: ['web-1'] },
      holders: [{ host: 'web-1' }],
    });
    await report(hub, second, 1, 'good');
    clock.ms += 240_000;
    await report(hub, second, 1, 'good');
    expect((await rolloutOf(hub)).starting).toBeNull();
    expect(await ask(hub, second, second.request(2, 3))).toMatchObject({ answer: 'granted' });
  });

  it('waits for three minutes where the reports are lost, and no host is known', async () => {
    const clock = { ms: Date.now() };
    const { hub, hosts } = await fleet(['web-1'], { now: () => clock.ms });
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await rolloutOf(hub);
    await hub.stop();
    await rm(join(hub.folder, 'reports'), { recursive: true });
    await hub.restart();
    await report(hub, first, 1, 'good');
    expect(await ask(hub, first, first.request(2, 3))).toMatchObject({
      answer: 'wait',
      refused: [{ message: 'the store has just started, and does not know yet which hosts switch' }],
    });
    clock.ms += 180_000;
    await report(hub, first, 1, 'good');
    expect(await ask(hub, first, first.request(2, 3))).toMatchObject({ answer: 'granted' });
  });

  it('waits for the longest grant where a host has seen a later state: this one is a backup', async () => {
    const clock = { ms: Date.now() };
    const { hub, hosts } = await fleet(['web-1'], { now: () => clock.ms });
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await rolloutOf(hub);
    await hub.restart();
    const { turns } = first.report(1, 'good');
    await report(hub, first, 1, 'good', turns && { turns: { ...turns, seq: 9, revision: 99 } });
    const request = first.request(2, 3, { seq: 10 });
    expect(await ask(hub, first, request)).toMatchObject({ answer: 'wait' });
    clock.ms += 60_000;
    expect(await ask(hub, first, request)).toMatchObject({ answer: 'granted' });
  });

  it('hands out nothing by a damaged file, says so once, and goes on when it is restored', async () => {
    const { hub, hosts } = await fleet(['web-1']);
    const [first] = hosts as [TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await rolloutOf(hub);
    await hub.stop();
    const whole = await readFile(join(hub.folder, STATE), 'utf8');
    await writeFile(join(hub.folder, STATE), whole.slice(0, -20));
    await hub.restart();
    const answer = await send(hub, first, first.request(2, 3));
    expect([answer.status, await answer.json()]).toMatchObject([
      500,
      { error: { code: 'store', message: expect.stringContaining(STATE) } },
    ]);
    await report(hub, first, 1, 'good');
    expect((await hub.get('/rollouts/staging', bearer(PUBLISH))).status).toBe(500);
    expect((await put(hub, pacedManifest('staging', 4, { web: 2 }, null))).status).toBe(500);
    expect((await put(hub, pacedManifest('staging', 4, { web: 2 }))).status).toBe(204);
    const warned = hub.events.filter(
      ({ event, fields }) => event === 'hub.warned' && fields['advice'] !== undefined,
    );
    expect(warned).toHaveLength(1);
    await writeFile(join(hub.folder, STATE), whole);
    expect(await rolloutOf(hub)).toMatchObject({ serial: 4 });
    expect(await ask(hub, first, first.request(2, 3))).toMatchObject({ answer: 'granted' });
  });
});

describe('two hubs of one store', () => {
  it('never grant one slot twice', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts as [TurnHost, TurnHost];
    await put(hub, pacedManifest('staging', 3, { web: 2 }));
    await rolloutOf(hub);
    await hub.stop();
    const state = JSON.parse(await readFile(join(hub.folder, STATE), 'utf8')) as TurnState;
    const { files, writes } = ((): { files: TurnStore; writes: string[] } => {
      const made: string[] = [];
      const inner = createTurnFiles({ ...noFiles, ...readHubFiles(hub.folder) });
      let isFirst = true;
      return {
        writes: made,
        files: {
          ...inner,
          // Another hub grants the slot between the read and the grant of this one.
          write: async (environment, next, revision) => {
            if (isFirst && next.turns['web-1'] !== undefined) {
              isFirst = false;
              const granted = {
                ...state,
                turns: {
                  'web-2': {
                    life: 'other',
                    seq: 1,
                    engine: 'engine-of-web-2',
                    grantedAtMs: Date.now(),
                    mostSeconds: 300,
                    lostAtMs: null,
                    services: {
                      web: {
                        entry: 'web',
                        release: second.request(2, 3).services[0]?.release ?? '',
                        digest: second.request(2, 3).services[0]?.digest ?? '',
                        attempt: 0,
                        kind: 'version' as const,
                        served: true,
                        begunAtMs: null,
                      },
                    },
                  },
                },
              };
              await inner.write(environment, granted, revision);
            }
            const answer = await inner.write(environment, next, revision);
            made.push(answer);
            return answer;
          },
        },
      };
    })();
    await hub.restart({ turns: files });
    first.asked = ['web'];
    second.asked = ['web'];
    for (const host of hosts) await report(hub, host, 2, 'none');
    const gone = new AbortController();
    const held = send(hub, first, first.request(2, 3), gone.signal);
    await holds(hub, 1);
    expect(writes).toContain('changed');
    expect((await rolloutOf(hub)).holders).toMatchObject([{ host: 'web-2' }]);
    gone.abort();
    await Promise.allSettled([held]);
  });
});
