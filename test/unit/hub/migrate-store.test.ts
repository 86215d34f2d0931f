import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readFolderContents } from '../../../src/adapters/hub-files/folder-contents.ts';
import { readHubFiles } from '../../../src/adapters/hub-files/hub-files.ts';
import type { HubPostgres } from '../../../src/adapters/hub-postgres/hub-postgres.ts';
import { migrateStore, type MigrateOptions, type Migration } from '../../../src/hub/store/migrate-store.ts';
import { revisionOf } from '../../../src/core/turns/revisions.ts';
import type { TestDatabase } from '../../support/postgres-database.ts';
import { emptyTables, postgresStores, type PostgresStores } from '../../support/postgres-store.ts';
import { sharedDatabase } from '../../support/shared-postgres.ts';
import { NOW_MS } from '../../support/status.ts';
import { fullTurnState } from '../../support/turn-state.ts';
import { manifestText } from './scene.ts';

let database: TestDatabase;
let stores: PostgresStores;
let store: HubPostgres;
let folder = '';
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
  folder = await mkdtemp(join(tmpdir(), 'supercargo-migrate-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const write = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};
const TURNS = fullTurnState('production', { revision: 500, serial: 3, start: null });
/** As a hub leaves it: production has all there is, staging a manifest alone. */
const fill = async (): Promise<void> => {
  for (const serial of [1, 2, 3])
    await write(`manifests/production/${String(serial)}.json`, manifestText('production', serial));
  await write('manifests/production.json', manifestText('production', 3));
  await write('manifests/production/epoch.json', '{"epoch":4}\n');
  await write('reports/production/web-1.json', '{}');
  await write('turns/production.json', `${JSON.stringify(TURNS)}\n`);
  await write('manifests/staging/7.json', manifestText('staging', 7));
  await write('manifests/staging.json', manifestText('staging', 7));
};
const migrate = (more: Partial<MigrateOptions> = {}): Promise<Migration> =>
  migrateStore({
    source: readFolderContents(folder, readHubFiles(folder)),
    target: store,
    readBack: store,
    nowMs: NOW_MS,
    isDryRun: false,
    ...more,
  });
const outcomes = ({ environments }: Migration) =>
  environments.map(({ environment, documents, turns }) => [
    environment,
    documents.map(({ outcome }) => outcome),
    turns,
  ]);
const ALL_MOVED = [
  ['production', ['moved', 'moved', 'moved'], 'moved'],
  ['staging', ['moved'], null],
];
const ALL_THERE = [
  ['production', ['there', 'there', 'there'], 'there'],
  ['staging', ['there'], null],
];
const rows = async (): Promise<readonly string[]> =>
  database.query(`
    select 'current', environment, serial, md5(document) from supercargo.manifests
    union all select 'past', environment, serial, md5(document) from supercargo.history
    union all select 'turns', environment, revision, md5(state) from supercargo.turns
    union all select 'heard', environment, 0, '' from supercargo.heard order by 1, 2, 3`);
const listed = async () => {
  const entries = await readdir(folder, { recursive: true });
  return Promise.all(
    entries.toSorted().map(async (name) => [name, (await stat(join(folder, name))).mtimeMs] as const),
  );
};

const publish = async (serial: number, text: string): Promise<void> => {
  const { revision } = await store.manifests.read('staging');
  await store.manifests.publish('staging', { serial, document: Buffer.from(text), epoch: 0 }, revision);
};

describe('a migration into a database', () => {
  it('moves manifests, history, epoch and turns, and leaves the folder as it is', async () => {
    await fill();
    const before = await listed();
    expect(outcomes(await migrate({ readBack: stores.open() }))).toEqual(ALL_MOVED);
    expect(await listed()).toEqual(before);
    const production = await store.manifests.read('production');
    expect(production).toMatchObject({ highest: 3, epoch: 4, revision: 1 });
    expect(Buffer.from(production.document ?? []).toString()).toBe(manifestText('production', 3));
    expect(await store.manifests.serials('production')).toEqual([1, 2, 3]);
    expect(await store.manifests.environments()).toEqual(['production', 'staging']);
  });

  it('tells the digest of each document', async () => {
    await fill();
    const { environments } = await migrate();
    for (const { path, sha256 } of environments.flatMap(({ documents }) => documents))
      expect(
        createHash('sha256')
          .update(await readFile(join(folder, path)))
          .digest('hex'),
      ).toBe(sha256);
  });

  it.each([
    ['of a hub that never counted anew', null],
    ['of a hub whose clock was ahead', { atMs: NOW_MS + 60_000, before: 3, from: NOW_MS + 60_000 }],
  ] as const)('goes on above each number that hosts were told, with turns %s', async (_what, start) => {
    const turns = { ...TURNS, start };
    await fill();
    await write('turns/production.json', JSON.stringify(turns));
    await migrate();
    const moved = await store.turns.read('production');
    expect(moved).toMatchObject({ ...turns, revision: 1, start: expect.anything() });
    expect(moved && revisionOf(moved)).toBeGreaterThan(revisionOf(turns));
  });

  it('lets turns wait until the hosts are heard', async () => {
    await fill();
    await migrate();
    const { hearing } = await store.fleets.changes('production', undefined);
    expect(hearing).toMatchObject({ hasLostReports: true, run: 0 });
    expect((await store.fleets.changes('staging', undefined)).hearing.hasLostReports).toBe(false);
  });

  it('goes on where it was stopped, at any document', async () => {
    await fill();
    for (const left of [0, 1, 2, 3, 4]) {
      await emptyTables(database);
      const counted = { left };
      const stopping =
        <A extends readonly unknown[], R>(run: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          counted.left -= 1;
          if (counted.left < 0) throw new Error('killed');
          return run(...args);
        };
      const { manifests, turns } = store;
      const target = {
        ...store,
        manifests: {
          ...manifests,
          record: stopping(manifests.record),
          publish: stopping(manifests.publish),
        },
        turns: { ...turns, write: stopping(turns.write) },
      };
      await expect(migrate({ target })).rejects.toThrow('killed');
      const { environments } = await migrate();
      const all = environments.flatMap(({ documents, turns: moved }) => [
        ...documents.map(({ outcome }) => outcome),
        moved,
      ]);
      expect(all.filter((outcome) => outcome === 'there')).toHaveLength(left);
      expect(outcomes(await migrate())).toEqual(ALL_THERE);
    }
  });

  it('writes nothing in a dry run, also without any table', async () => {
    await fill();
    expect(outcomes(await migrate({ isDryRun: true }))).toEqual(ALL_MOVED);
    expect(outcomes(await migrate({ isDryRun: true, target: undefined }))).toEqual(ALL_MOVED);
    expect(await rows()).toEqual([]);
    await migrate();
    expect(outcomes(await migrate({ isDryRun: true }))).toEqual(ALL_THERE);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a newer manifest',
      () => publish(8, manifestText('staging', 8)),
      /staging is newer in the database \(serial 8\) than in the folder \(7\)/,
    ],
    ['another manifest', () => publish(7, 'other'), /another current manifest of staging/],
    [
      'another history',
      () => store.manifests.record('staging', 6, Buffer.from('6')),
      /another manifest of serial 6 in the history of staging/,
    ],
    [
      'other turns',
      () => store.turns.write('production', { ...TURNS, serial: 2 }, 0),
      /other turns of production/,
    ],
  ])('refuses a database with %s, and writes nothing', async (_what, prepare, message) => {
    await fill();
    await prepare();
    const before = await rows();
    await expect(migrate()).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(message),
      advice: expect.any(String),
    });
    expect(await rows()).toEqual(before);
  });

  it.each([
    ['staging.json', '{', /damaged current manifest.*/],
    ['staging.json', undefined, /a history and no current manifest/],
  ] as const)('refuses a folder that is not in order: %s is %j', async (name, text, message) => {
    await fill();
    await rm(join(folder, 'manifests', name));
    if (text !== undefined) {
      await rm(join(folder, 'manifests/staging'), { recursive: true });
      await write(`manifests/${name}`, text);
    }
    await expect(migrate()).rejects.toMatchObject({
      message: expect.stringMatching(message),
      advice: expect.stringContaining('hub repair staging'),
    });
    expect(await rows()).toEqual([]);
  });

  it('moves what the hub serves where the current document is damaged, and says so', async () => {
    await fill();
    await write('manifests/production.json', '{');
    const { environments, remarks } = await migrate();
    expect(environments[0]).toMatchObject({ environment: 'production', serial: 3 });
    expect(remarks.join('\n')).toMatch(/serves serial 3 of the history/);
  });

  it('finds what does not read back as it was written', async () => {
    await fill();
    const { manifests, turns } = store;
    const readBack = { manifests: { ...manifests, past: () => Promise.resolve(Buffer.from('x')) }, turns };
    await expect(migrate({ readBack })).rejects.toMatchObject({
      message: expect.stringMatching(/serial \d of production read back from the database differ/),
    });
  });
});
