import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HubPostgres } from '../../../../src/adapters/hub-postgres/hub-postgres.ts';
import { historyPath } from '../../../../src/core/fleet/store-layout.ts';
import { readReport } from '../../../../src/core/hub/read-report.ts';
import { repairManifests } from '../../../../src/hub/manifests/repair-manifests.ts';
import { eventually } from '../../../support/poll.ts';
import type { TestDatabase } from '../../../support/postgres-database.ts';
import { emptyTables, postgresStores, type PostgresStores } from '../../../support/postgres-store.ts';
import { sharedDatabase } from '../../../support/shared-postgres.ts';
import { hostStatus } from '../../../support/status.ts';
import { manifestText } from '../../hub/scene.ts';

let database: TestDatabase;
let stores: PostgresStores;
let store: HubPostgres;
beforeAll(async () => {
  database = await sharedDatabase();
  stores = postgresStores(database.url);
  store = stores.open();
  // Makes the tables.
  await store.manifests.environments();
});
afterAll(() => stores.close());
beforeEach(async () => {
  await emptyTables(database);
});

const text = (serial: number): Buffer => Buffer.from(manifestText('staging', serial));
const publish = async (...serials: readonly number[]): Promise<void> => {
  for (const serial of serials) {
    const { revision } = await store.manifests.read('staging');
    const manifest = { serial, document: text(serial), epoch: 0 };
    expect(await store.manifests.publish('staging', manifest, revision)).toMatchObject({ highest: serial });
  }
};
const repair = (isDryRun = false) =>
  repairManifests({
    manifests: store.repair,
    environment: 'staging',
    trust: undefined,
    nowMs: Date.parse('2026-11-30T02:15:00Z'),
    isDryRun,
  });
const damage = (): Promise<unknown> =>
  database.query(`update supercargo.manifests set document = '{', mark = gen_random_uuid()`);

describe('the repair of a database', () => {
  it('finds nothing to do where all is in order', async () => {
    await publish(1, 2);
    expect(await repair()).toMatchObject({ serial: 2, steps: [] });
  });

  it('restores the newest good manifest, and keeps what it sets aside', async () => {
    await publish(1, 2, 3);
    await damage();
    await database.query(`update supercargo.history set document = 'x' where serial = 3`);
    expect((await repair(true)).steps).toHaveLength(3);
    expect(await database.query('select * from supercargo.set_aside')).toEqual([]);
    await repair();
    expect(await store.manifests.read('staging')).toMatchObject({ document: text(2), highest: 2 });
    expect(await store.manifests.serials('staging')).toEqual([1, 2]);
    const aside = `select environment, path, convert_from(document, 'UTF8') from supercargo.set_aside order by id`;
    expect(await database.query(aside)).toEqual([
      'staging|manifests/staging/set-aside/20261130T021500Z-staging.json|{',
      'staging|manifests/staging/set-aside/20261130T021500Z-3.json|x',
    ]);
    expect(await repair()).toMatchObject({ serial: 2, steps: [] });
  });

  it('restores a current manifest that is missing', async () => {
    await publish(1, 2);
    await database.query('delete from supercargo.manifests');
    await repair();
    expect(await store.manifests.read('staging')).toMatchObject({ revision: 1, document: text(2) });
  });

  it('plans anew where a hub publishes meanwhile, and takes nothing of that publish away', async () => {
    await publish(1, 2);
    await damage();
    const stored = await store.repair.read('staging');
    await publish(3);
    const changes = { aside: [], restored: { serial: 2, bytes: text(2) } };
    expect(await store.repair.apply('staging', changes, stored.mark)).toBe('changed');
    expect(await repair()).toMatchObject({ serial: 3, steps: [] });
    expect(await store.manifests.read('staging')).toMatchObject({ document: text(3) });
  });

  it('tells the hubs that run, which read it', async () => {
    await publish(1, 2);
    const hub = stores.open();
    const news: string[] = [];
    const stop = hub.follow((environment, what) => void news.push(`${what} ${environment}`));
    const before = await hub.manifests.read('staging');
    await damage();
    await repair();
    await eventually(() => news.includes('manifests staging'), { describe: () => 'the hub is told' });
    stop();
    const now = await hub.manifests.read('staging', before);
    expect(now).not.toBe(before);
    expect(now.document).toEqual(text(2));
  });

  it('knows what hosts have accepted, by their reports', async () => {
    await publish(1);
    const report = hostStatus({ host: 'web-1', environment: 'staging' });
    const bytes = Buffer.from(JSON.stringify({ ...report, manifest: { ...report.manifest, serial: 7 } }));
    const read = readReport(bytes, 'staging', 'web-1');
    if (read.kind === 'refused') throw new Error(read.refusal.message);
    const limits = { hosts: 10, environments: 10 };
    const taken = { host: 'web-1', bytes, tag: '"1"', summary: read.summary };
    expect(await store.fleets.take('staging', taken, limits)).toMatchObject({ kind: 'taken' });
    expect(await store.repair.read('staging')).toMatchObject({ acceptedSerials: [7] });
  });

  it('reads a history of several pages', async () => {
    await publish(1);
    await database.query(`
      insert into supercargo.history (environment, serial, document)
      select 'staging', serial, '{' from generate_series(2, 450) as serial`);
    const { documents } = await store.repair.read('staging');
    expect(documents).toHaveLength(451);
    expect(documents.at(-1)).toMatchObject({ path: historyPath('staging', 450), serial: 450 });
  });
});
