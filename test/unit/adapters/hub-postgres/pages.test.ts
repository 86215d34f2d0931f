import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { hostToken } from '../../../../src/core/hub/tokens.ts';
import { startDatabaseHub, type DatabaseHub } from '../../../support/database-hub.ts';
import { databaseWithTables } from '../../../support/postgres-store.ts';
import { hostStatus } from '../../../support/status.ts';
import { bearer, SECRET } from '../../hub/scene.ts';

const database = await databaseWithTables();

const open = async (): Promise<DatabaseHub> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-pages-'));
  const hub = await startDatabaseHub(database.url, folder);
  onTestFinished(async () => {
    await hub.stop();
    await rm(folder, { recursive: true });
  });
  return hub;
};

const put = async ({ url }: DatabaseHub, host: string, status: unknown): Promise<number> => {
  const { status: code } = await fetch(`${url}/reports/staging/${host}.json`, {
    method: 'PUT',
    headers: bearer(hostToken(SECRET, 'staging', host)),
    body: JSON.stringify(status),
  });
  return code;
};

const report = async (hub: DatabaseHub, host: string, serial: number): Promise<void> => {
  const manifest = { ...hostStatus().manifest, serial };
  const status = hostStatus({ host, environment: 'staging', at: new Date().toISOString(), manifest });
  expect(await put(hub, host, status)).toBeLessThan(300);
};

interface Page {
  readonly revision: string;
  readonly isWhole: boolean;
  readonly incompleteUntil: string | null;
  readonly totals: { readonly hosts: number };
  readonly hosts: readonly { readonly host: string; readonly serial: number }[];
}

const page = async ({ url }: DatabaseHub, query: string): Promise<Page> =>
  (await (await fetch(`${url}/reports/staging?${query}`)).json()) as Page;

it('a page is as new as the last report at any hub, and its revision is valid at each', async () => {
  const [one, other] = [await open(), await open()];
  for (const host of ['web-10', 'web-2', 'web-1']) await report(one, host, 1);
  const first = await page(other, 'limit=10');
  expect(first.hosts.map(({ host }) => host)).toEqual(['web-1', 'web-2', 'web-10']);
  await report(other, 'web-2', 2);
  await report(other, 'web-1', 1);
  const news = await page(one, `since=${first.revision}`);
  expect(news).toMatchObject({ isWhole: false, totals: { hosts: 3 }, hosts: [{ host: 'web-2', serial: 2 }] });
  const { totals } = await page(other, `limit=0&since=${news.revision}`);
  expect(totals).toEqual(news.totals);
  const metrics = await (await fetch(`${one.url}/metrics`)).text();
  expect(metrics).not.toContain('supercargo_hub_hosts');
  expect(await (await fetch(`${one.url}/metrics/fleet`)).text()).toContain(
    'supercargo_hub_host_serial{environment="staging",host="web-2"} 2',
  );
});

it('a page says that hosts may be missing after a crash of the database, which loses all reports', async () => {
  const hub = await open();
  for (const host of ['web-1', 'web-2']) await report(hub, host, 1);
  expect(await page(hub, 'limit=0')).toMatchObject({ incompleteUntil: null });
  await database.query('truncate supercargo.fleets, supercargo.reports');
  await report(hub, 'web-2', 1);
  const { totals, incompleteUntil } = await page(hub, 'limit=0');
  expect(totals.hosts).toBe(1);
  expect(Date.parse(incompleteUntil ?? '') - Date.now()).toBeGreaterThan(120_000);
  const named = await page(hub, 'limit=0&host=web-1&host=web-2');
  expect(named).toMatchObject({ totals: { hosts: 2 }, incompleteUntil: null });
});

it('a report that the database cannot store keeps no other host from reporting', async () => {
  const hub = await open();
  const strange = ['', 'a b', '\u0000', '\ud800', 'x'.repeat(65)];
  const turns = { mode: 'manifest', seq: 1, asked: [], store: 'answers', message: null, revision: null };
  const refused = strange.map(async (life, at) => {
    const host = `strange-${String(at)}`;
    return put(hub, host, { ...hostStatus({ host, environment: 'staging' }), turns: { ...turns, life } });
  });
  await Promise.all(['db-1', 'db-2', 'db-3', 'db-4'].map(async (host) => report(hub, host, 1)));
  expect(await Promise.all(refused)).toEqual(strange.map(() => 422));
});
