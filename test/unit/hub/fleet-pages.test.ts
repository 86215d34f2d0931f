import { describe, expect, it } from 'vitest';
import { createHttpStore } from '../../../src/adapters/document-store/http-store.ts';
import type { HostReport } from '../../../src/core/fleet/host-report.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { readHosts, type FleetReader } from '../../../src/publish/fleet-reader.ts';
import { fleetOfAll, WANTED_SERIAL } from '../../support/fleet-of-all.ts';
import { hostStatus } from '../../support/status.ts';
import { judgeFleet } from '../../support/whole-list.ts';
import { manifest } from '../../support/world.ts';
import { bearer, PUBLISH, READ, type Scene, scene, SECRETS_WITH_READ } from './scene.ts';

const { signal } = new AbortController();
const target = manifest({ web: 'registry.example.com/web:1.1.0' }, { serial: WANTED_SERIAL });

interface Page {
  readonly apiVersion: string;
  readonly serial: number | null;
  readonly revision: string;
  readonly isWhole: boolean;
  readonly totals: { readonly hosts: number; readonly kinds: Readonly<Record<string, number>> };
  readonly hosts: readonly { readonly host: string; readonly status?: Status }[];
  readonly next: string | null;
}

const ask = async (hub: Scene, query: string): Promise<Page> => {
  const answer = await hub.get(`/reports/staging?${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
};

const wordOf = (name: string) => fleetOfAll.find(({ host }) => host === name)?.word;
const names = ({ hosts }: Page): readonly string[] => hosts.map(({ host }) => host);

const readerOf = ({ url }: Scene): FleetReader => {
  const base = new URL(url);
  const store = createHttpStore({ base, authorization: `Bearer ${PUBLISH}`, tls: {} });
  return createEnvironmentStore(store, 'staging', undefined).fleet;
};

const report = async (hub: Scene, host: string, change: Partial<Status> = {}): Promise<void> => {
  const status = hostStatus({ ...change, environment: 'staging', host });
  expect((await hub.report('staging', host, status)).ok).toBe(true);
};

/** A hub with a host for each verdict. */
const zoo = async (): Promise<Scene> => {
  const hub = await scene();
  await hub.put(
    '/manifests/staging.json',
    JSON.stringify({
      apiVersion: 'supercargo/v1',
      environment: 'staging',
      serial: WANTED_SERIAL,
      issuedAt: '2026-11-23T10:00:00Z',
      services: { web: { image: 'registry.example.com/web:1.1.0' } },
    }),
  );
  for (const { host, status } of fleetOfAll) await report(hub, host, status);
  return hub;
};

describe('pages of a fleet', () => {
  it('give the verdicts of the whole list, with all their texts', async () => {
    const hub = await zoo();
    const read = readerOf(hub);
    const found = await readHosts(read, { target, limit: 5, status: 'whole' }, signal);
    const reports = fleetOfAll.map(({ host, status }): HostReport => {
      const whole = hostStatus({ ...status, environment: 'staging', host });
      // Texts name the second in which it came.
      const { seenAtMs = 0 } = found.find((each) => each.host === host)?.report ?? {};
      return { host, seenAtMs, status: whole };
    });
    const judged = judgeFleet(reports, undefined, target, Date.now());
    expect(found.map(({ host, verdict }) => [host, verdict])).toEqual(
      judged.map(({ host, verdict }) => [host, verdict]),
    );
    expect(found.map((each) => each.report?.status)).toEqual(judged.map((each) => each.report?.status));
    const bare = await readHosts(read, { target, limit: 7 }, signal);
    expect(bare.map(({ verdict }) => verdict)).toEqual(judged.map(({ verdict }) => verdict));
  });

  it('begin with the worst hosts, and have those of a kind alone', async () => {
    const hub = await zoo();
    const worst = await ask(hub, 'order=severity&limit=3');
    expect(worst).toMatchObject({ serial: WANTED_SERIAL, isWhole: true, totals: { hosts: 16 } });
    expect(names(worst).map(wordOf)).toEqual(['rolled-back', 'blocked', 'blocked']);
    const failed = await ask(hub, 'kind=failed');
    expect(failed.totals).toEqual(worst.totals);
    expect(names(failed)).toHaveLength(worst.totals.kinds['failed'] ?? 0);
  });

  it('are judged by any serial of the history, by none, or refused', async () => {
    const hub = await scene();
    await hub.publish('staging', 1);
    await hub.publish('staging', 2);
    const at1 = { ...hostStatus().manifest, serial: 1 };
    await report(hub, 'web-1', { manifest: at1, services: [] });
    const kindOf = async (query: string): Promise<unknown> => (await ask(hub, query)).totals.kinds;
    expect(await kindOf('limit=0&serial=1')).toMatchObject({ converged: 1, pending: 0 });
    expect(await kindOf('limit=0')).toMatchObject({ converged: 0, pending: 1 });
    expect(await kindOf('limit=0&serial=0')).toMatchObject({ converged: 1 });
    const unknown = await hub.get('/reports/staging?serial=3');
    expect(unknown.status).toBe(404);
    const wrong = await hub.get('/reports/staging?limit=many');
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { error: { code: 'query' } }]);
  });

  it('of other versions with the same serial are refused by a reader', async () => {
    const hub = await zoo();
    await report(hub, 'web-1');
    const other = manifest({ web: 'registry.example.com/web:1.2.0' }, { serial: WANTED_SERIAL });
    for (const hosts of [undefined, ['web-1']]) {
      const read = readerOf(hub);
      expect(await read({ target, hosts }, signal)).toMatchObject({ isWhole: true });
      await expect(read({ target: other, hosts }, signal)).rejects.toThrow('has other versions in serial');
    }
  });

  it('since a revision have what said something new, and no heartbeat', async () => {
    const hub = await scene();
    for (const host of ['web-1', 'web-2', 'web-10']) await report(hub, host);
    const { revision } = await ask(hub, 'limit=0');
    await report(hub, 'web-1', { at: new Date().toISOString() });
    expect(names(await ask(hub, `since=${revision}`))).toEqual([]);
    await report(hub, 'web-10', fleetOfAll[1]?.status);
    const news = await ask(hub, `since=${revision}`);
    expect([news.isWhole, names(news), news.totals.hosts]).toEqual([false, ['web-10'], 3]);
    await hub.restart();
    const after = await ask(hub, `since=${news.revision}`);
    expect([after.isWhole, names(after)]).toEqual([true, ['web-1', 'web-2', 'web-10']]);
  });

  it('have named hosts that never reported, however many are named', async () => {
    const hub = await scene();
    await report(hub, 'web-7', { labels: { zone: 'a' } });
    const hosts = Array.from({ length: 250 }, (_, n) => `web-${String(n)}`);
    const page = await readerOf(hub)({ target: undefined, hosts, limit: 1 }, signal);
    expect(page.totals).toMatchObject({ hosts: 250, reported: 1, kinds: { converged: 1, silent: 249 } });
    expect(page.hosts.map(({ host }) => host)).toEqual(hosts);
    expect(page.totals.labels).toEqual([{ label: 'zone=a', hosts: 1 }]);
    expect((await readerOf(hub)({ target: undefined, hosts: [], limit: 1 }, signal)).totals.hosts).toBe(0);
  });

  it('end at 4 MiB, and go on with the next one', async () => {
    const hub = await scene();
    const problems = [{ code: 'COMPOSE', message: 'x'.repeat(250_000), advice: '' }];
    const all = Array.from({ length: 20 }, (_, n) => `web-${String(n)}`);
    for (const host of all) await report(hub, host, { problems });
    const first = await hub.get('/reports/staging?limit=1000&status=whole');
    const text = await first.text();
    expect(text.length).toBeLessThan(5 * 1024 * 1024);
    expect((JSON.parse(text) as Page).next).not.toBeNull();
    const found = await readHosts(readerOf(hub), { target: undefined, limit: 1000, status: 'whole' }, signal);
    expect(found.map(({ host }) => host)).toEqual(all);
  });

  it('are not sent again to a reader that has them', async () => {
    const hub = await scene({ now: () => 1_790_000_000_000 });
    await report(hub, 'web-1');
    const tag = (await hub.get('/reports/staging?limit=1')).headers.get('etag') ?? '';
    expect((await hub.get('/reports/staging?limit=1', { 'if-none-match': tag })).status).toBe(304);
  });

  it('are closed to whom the list is closed', async () => {
    const hub = await scene({ secrets: SECRETS_WITH_READ });
    expect((await hub.get('/reports/staging?limit=1')).status).toBe(401);
    expect((await hub.get('/reports/staging?limit=1', bearer(READ))).status).toBe(200);
  });
});
