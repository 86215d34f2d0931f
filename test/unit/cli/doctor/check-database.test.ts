import { describe, expect, it } from 'vitest';
import { parseDatabaseAddress } from '../../../../src/adapters/hub-postgres/database-address.ts';
import type { DatabaseFacts } from '../../../../src/adapters/hub-postgres/examine-database.ts';
import { MIGRATIONS } from '../../../../src/adapters/hub-postgres/migrations.ts';
import { checkDatabase, factChecks, hostChecks } from '../../../../src/cli/doctor/check-database.ts';
import type { Check } from '../../../../src/cli/doctor/check.ts';
import { freePort } from '../../../support/ports.ts';
import { postgresStores } from '../../../support/postgres-store.ts';
import { sharedDatabase } from '../../../support/shared-postgres.ts';

const GOOD: DatabaseFacts = {
  version: '15.8',
  isEncrypted: true,
  isSuperuser: false,
  forbiddenTables: [],
  tables: 2,
  leastTables: 1,
  ownTables: 2,
  mayMigrate: false,
  standbys: 2,
  synchronousStandbys: 1,
  waitsForStandbys: true,
  synchronousCommit: 'on',
  fsync: true,
  maxConnections: 100,
  reservedConnections: 3,
  otherConnections: 1,
  connectionsOfHub: 9,
  clockAheadMs: 0,
};
const linesOf = (checks: readonly Check[]): readonly string[] =>
  checks.map(({ result, name, message }) => `${result} ${name}: ${message}`);
const signal = new AbortController().signal;
const check = (url: string) => checkDatabase(parseDatabaseAddress(url), signal);

describe('hub doctor on a database', () => {
  it('says what is as it should be', () => {
    expect(linesOf(factChecks(GOOD, true))).toEqual([
      'ok database: PostgreSQL 15.8, by TLS',
      'ok role: it may read and write all tables of the hub',
      'ok tables: version 2',
      'ok standbys: 2 connected, 1 of them synchronous',
      'ok synchronous_commit: on',
      'ok connections: max_connections 100 is enough for 10 hubs of 9',
      'ok clock: that of the database is the same',
    ]);
  });

  it.each<[Partial<DatabaseFacts>, RegExp]>([
    [{ isEncrypted: false }, /^hint database: .*without TLS/],
    [{ forbiddenTables: ['turns'] }, /^problem role: it may not read and write turns$/],
    [{ isSuperuser: true }, /^hint role: it is a superuser$/],
    [{ tables: 1, mayMigrate: true }, /^hint tables: version 1, this hub needs 2$/],
    [{ tables: 1 }, /^problem tables: .*may not change them$/],
    [{ tables: 0, mayMigrate: true }, /^hint tables: there are none$/],
    [{ tables: 9, leastTables: 8 }, /^problem tables: .*no longer understands$/],
    [
      { waitsForStandbys: false },
      /^hint standbys: 2 standbys connected, .*a publish that was acknowledged can be lost/,
    ],
    [{ waitsForStandbys: false, standbys: 0 }, /^hint standbys: 0 standbys/],
    [{ synchronousStandbys: undefined }, /^hint standbys: .*may not see/],
    [{ synchronousStandbys: 0 }, /^problem standbys: .*every write waits/],
    [{ fsync: false }, /^problem fsync: it is off/],
    [{ synchronousCommit: 'off' }, /^hint synchronous_commit: it is off/],
    [{ maxConnections: 30 }, /^hint connections: .*enough for 3 hubs|^ok connections: .*enough for 3 hubs/],
    [{ maxConnections: 20 }, /^hint connections: .*enough for 1 hub of 9/],
    [{ otherConnections: 95 }, /^problem connections: .*enough for 0 hubs/],
    [{ clockAheadMs: -90_000 }, /^hint clock: that of the database is 1 min behind$/],
  ])('with %j has a line, with advice', (more, line) => {
    const found = factChecks({ ...GOOD, ...more }, true).filter((each) =>
      line.test(linesOf([each])[0] ?? ''),
    );
    expect(found).toHaveLength(1);
  });

  it('gives advice with each line that is not ok', () => {
    const worst = factChecks({ ...GOOD, fsync: false, clockAheadMs: 9000, standbys: 0 }, false);
    expect(worst.filter(({ result, advice }) => (result === 'ok') !== (advice === null))).toEqual([]);
  });

  it.each([
    ['none of them leads', ['standby', 'standby'], ['ok', 'ok', 'problem']],
    ['two lead', ['primary', 'primary'], ['ok', 'ok', 'problem']],
    ['one leads', ['primary', 'standby'], ['ok', 'ok']],
  ] as const)('knows of hosts of which %s', (_what, kinds, results) => {
    const hosts = kinds.map((kind, at) => ({ kind, host: `db${String(at)}` }));
    expect(hostChecks(hosts).map(({ result }) => result)).toEqual(results);
  });

  it('looks at each host of a real one, and makes no tables in it', async () => {
    const database = await sharedDatabase();
    const [place = ''] = /127\.0\.0\.1:\d+/.exec(database.url) ?? [];
    const dead = `127.0.0.1:${String(await freePort())}`;
    const found = linesOf(await check(database.url.replace(place, `${dead},${place}`)));
    expect(found.join('\n')).toMatch(
      /^hint database: \S+ refuses connections\nok database: \S+ is the primary\nok database: PostgreSQL \d+/,
    );
    expect(found).toContain('hint tables: there are none');
    expect(found).toContain('problem fsync: it is off: a power cut destroys the database');
    expect(found.join('\n')).toMatch(/^hint standbys: 0 standbys connected, none/m);
    expect(await database.query(`select 1 from pg_namespace where nspname = 'supercargo'`)).toEqual([]);
  });

  it('knows the tables and the rights of its role', async () => {
    const database = await sharedDatabase();
    const stores = postgresStores(database.url);
    expect(await stores.open().check()).toBeUndefined();
    await stores.close();
    const newest = String(MIGRATIONS.at(-1)?.version);
    expect(linesOf(await check(database.url))).toContain(`ok tables: version ${newest}`);
    await database.query('alter schema supercargo owner to postgres');
    await database.query('alter table supercargo.turns owner to postgres');
    await database.query('grant usage on schema supercargo to hub; grant select on supercargo.turns to hub');
    expect(linesOf(await check(database.url))).toContain('problem role: it may not read and write turns');
  });

  it('says why there is no primary', async () => {
    const dead = String(await freePort());
    expect(linesOf(await check(`postgres://hub@127.0.0.1:${dead}/none`))).toEqual([
      `problem database: 127.0.0.1:${dead} refuses connections`,
    ]);
  });
});
