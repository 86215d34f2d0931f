import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHubFiles } from '../../../src/adapters/hub-files/hub-files.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { hostWords } from '../../../src/hub/turns/host-words.ts';
import { hostStatus } from '../../support/status.ts';
import { openReportsOf, type OpenedReports } from './open-reports.ts';
import { type Scene, scene, noFiles } from './scene.ts';

const of = (host: string, change: Partial<Status> = {}): Status => hostStatus({ host, ...change });

const seqOf = async (hub: Scene): Promise<unknown> =>
  ((await (await hub.get('/reports/staging/web-1.json')).json()) as { turns: unknown }).turns;

const turns = (life: string, seq: number) => ({
  turns: { mode: 'manifest', life, seq, asked: [], store: 'answers', message: null, revision: null },
});
const send = async (hub: Scene, life: string, seq: number): Promise<number> =>
  (await hub.report('staging', 'web-1', of('web-1', turns(life, seq) as object))).status;

describe('reports of one agent that overtake each other', () => {
  it.each([
    ['an older one of the same life', 'b', 4],
    ['one of a life that another has replaced', 'a', 99],
  ])('are answered, and %s is dropped', async (_what, life, seq) => {
    const hub = await scene();
    expect(await send(hub, 'a', 9)).toBe(201);
    expect(await send(hub, 'b', 5)).toBe(204);
    const news = (await hub.get('/reports/staging')).headers.get('etag');
    expect(await send(hub, life, seq)).toBe(204);
    expect(await seqOf(hub)).toMatchObject({ life: 'b', seq: 5 });
    expect((await hub.get('/reports/staging')).headers.get('etag')).toBe(news);
    await hub.restart();
    expect(await seqOf(hub)).toMatchObject({ life: 'b', seq: 5 });
  });

  it('are taken where they repeat or go on, and from a new life', async () => {
    const hub = await scene();
    for (const [life, seq] of [
      ['a', 9],
      ['a', 9],
      ['a', 10],
      ['b', 1],
    ] as const) {
      await send(hub, life, seq);
      expect(await seqOf(hub)).toMatchObject({ life, seq });
    }
  });
});

const report = async (reports: OpenedReports, host: string): Promise<unknown> =>
  reports.take('staging', host, Buffer.from(JSON.stringify(of(host))));
const silentMs = (reports: OpenedReports, clock: { ms: number }): Readonly<Record<string, number>> =>
  Object.fromEntries(
    hostWords(reports, 'staging', clock.ms).map(({ host, silentMs: ms }) => [host, ms] as const),
  );

describe('what a hub hears', () => {
  it('counts the silence of a host only while others report', async () => {
    const clock = { ms: Date.now() };
    const reports = await openReportsOf(clock);
    await report(reports, 'web-1');
    await report(reports, 'web-2');
    for (let minute = 0; minute < 3; minute += 1) {
      clock.ms += 60_000;
      await report(reports, 'web-2');
    }
    expect(silentMs(reports, clock)).toEqual({ 'web-1': 180_000, 'web-2': 0 });
    // No host reaches the hub for a day, and then the other one is the first to do so.
    clock.ms += 24 * 3_600_000;
    expect(silentMs(reports, clock)).toEqual({ 'web-1': 180_000, 'web-2': 0 });
    await report(reports, 'web-2');
    expect(silentMs(reports, clock)).toEqual({ 'web-1': 270_000, 'web-2': 0 });
    await report(reports, 'web-1');
    expect(silentMs(reports, clock)).toEqual({ 'web-1': 0, 'web-2': 0 });
    expect(hostWords(reports, 'staging', clock.ms).map(({ isSilent }) => isSilent)).toEqual([false, false]);
    expect(hostWords(reports, 'staging', clock.ms + 180_001).every(({ isSilent }) => isSilent)).toBe(true);
  });

  it('waits after a start for the hosts that had reported shortly before', async () => {
    const clock = { ms: Date.now() };
    const hub = await scene({ now: () => clock.ms });
    for (const host of ['web-1', 'web-2', 'web-3']) await hub.report('staging', host, of(host));
    await hub.stop();
    const old = new Date(clock.ms - 600_000);
    await utimes(join(hub.folder, 'reports/staging/web-3.json'), old, old);
    const reports = await openReportsOf(clock, { ...noFiles, ...readHubFiles(hub.folder) });
    expect(reports.awaited('staging')).toEqual(['web-1', 'web-2']);
    expect(reports.awaited('other')).toEqual([]);
    await report(reports, 'web-2');
    expect(reports.awaited('staging')).toEqual(['web-1']);
    await reports.remove('staging', 'web-1');
    expect(reports.awaited('staging')).toEqual([]);
  });
});
