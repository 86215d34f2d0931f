import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseDatabaseAddress } from '../../../../src/adapters/hub-postgres/database-address.ts';
import { MIGRATIONS, type Migration } from '../../../../src/adapters/hub-postgres/migrations.ts';
import { applySchema } from '../../../../src/adapters/hub-postgres/migrate-as-owner.ts';
import { AgentError } from '../../../../src/core/errors.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { newReport } from '../../../support/fleet-store-contract.ts';
import { postgresStores } from '../../../support/postgres-store.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { sharedDatabase } from '../../../support/shared-postgres.ts';
import { fullTurnState } from '../../../support/turn-state.ts';

const limits = { hosts: 10, environments: 10 };
const open = (url: string, migrations: readonly Migration[] = MIGRATIONS) => {
  const stores = postgresStores(url);
  onTestFinished(stores.close);
  return stores.open({ migrations });
};

const verified = (file: string): string => `sslmode=verify-full&sslrootcert=${file}`;

describe('a database with TLS and passwords', () => {
  it('is entered with the right certificate and password, and says what is wrong otherwise', async () => {
    const server = await startPostgres({ tls: true, password: 'right-password' });
    onTestFinished(server.stop);
    const folder = await mkdtemp(join(tmpdir(), 'supercargo-authority-'));
    onTestFinished(async () => rm(folder, { recursive: true }));
    const { cert: strange } = await createCertificate(folder, 'other');
    const { url } = await server.createDatabase();
    const urlWith = (password: string, query: string): string =>
      `${url.replace('hub@', `hub:${password}@`)}?${query}`;

    const right = urlWith('right-password', verified(server.certificateFile));
    expect(await open(right).check()).toBeUndefined();
    const failures = await Promise.all(
      [
        urlWith('wrong-password', verified(server.certificateFile)),
        urlWith('right-password', verified(strange)),
        urlWith('right-password', 'sslmode=verify-full'),
        urlWith('right-password', 'sslmode=disable'),
        urlWith('right-password', verified(join(folder, 'missing.pem'))),
        right.replace(/\/test_\w+/, '/missing'),
      ].map(async (each) => open(each).check()),
    );
    const place = `no primary of the database can be reached: 127.0.0.1:${String(server.port)}`;
    expect(failures.map((failure) => failure?.message)).toEqual([
      `${place} answers: the database refuses the password of the hub’s role`,
      `${place} has a certificate that no trusted authority signed`,
      `${place} has a certificate that no trusted authority signed`,
      `${place} answers: the database does not let the hub’s role in`,
      `${place} answers: the file ${join(folder, 'missing.pem')} cannot be read`,
      `${place} answers: there is no database of that name`,
    ]);
    expect(failures.map((failure) => failure?.retry)).toEqual(failures.map(() => 'changed'));
    expect(JSON.stringify(failures.map((failure) => [failure, failure?.advice]))).not.toContain('password@');
  });
});

it('a database without TLS is refused where its address asks for it', async () => {
  const { url } = await sharedDatabase();
  const failure = await open(`${url}?sslmode=verify-full`).check();
  expect(failure).toMatchObject({ retry: 'changed', advice: 'turn TLS on in its postgresql.conf: ssl = on' });
  expect(failure?.message).toMatch(/127\.0\.0\.1:\d+ answers: it offers no TLS$/);
});

describe('a role of a hub', () => {
  it('that may create no tables says so; then it needs no more than rows', async () => {
    const database = await sharedDatabase();
    const role = `serving_${database.name}`;
    await database.query(`create role ${role} login`);
    onTestFinished(async () => {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    });
    const url = database.url.replace('hub@', `${role}@`);
    const store = open(url);
    expect(await store.check()).toMatchObject({
      retry: 'changed',
      message: 'the database has no tables for the hub yet, and its role may not create them',
    });
    const address = parseDatabaseAddress(database.url);
    expect(await applySchema(address, role, Date.now)).toEqual(MIGRATIONS.map(({ version }) => version));
    expect(await applySchema(address, role, Date.now)).toEqual([]);
    expect(await store.check()).toBeUndefined();
    await store.manifests.publish('staging', { serial: 1, document: Buffer.from('1'), epoch: 0 }, 0);
    await store.manifests.changeProbe('staging', Buffer.from('1'), () => true);
    await store.turns.write('staging', fullTurnState('staging'), 0);
    await store.fleets.take('staging', newReport('web-1'), limits);
    expect(await store.fleets.remove('staging', 'web-1')).toBe(true);
    const { mark } = await store.repair.read('staging');
    const aside = [{ path: 'manifests/staging/1.json', serial: 1, bytes: Buffer.from('1'), to: 'aside' }];
    const restored = { serial: 2, bytes: Buffer.from('2') };
    expect(await store.repair.apply('staging', { aside, restored }, mark)).toBe('done');
    await store.expectReports('production');
    const rights = await database.query(`
      select has_schema_privilege('${role}', 'supercargo', 'CREATE'),
        has_table_privilege('${role}', 'supercargo.manifests', 'TRUNCATE'),
        has_table_privilege('${role}', 'supercargo.migrations', 'INSERT')`);
    expect(rights).toEqual(['f|f|f']);
  });
});

const next = (leastVersion: number): Migration => ({
  version: 1000,
  leastVersion,
  sql: ['manifests', 'history', 'turns', 'fleets', 'reports']
    .map((table) => `alter table supercargo.${table} add column added integer not null default 0;`)
    .join('\n'),
});

describe('tables of another version', () => {
  it('that only have more serve the hub of the version before beside the new one', async () => {
    const { url } = await sharedDatabase();
    const old = open(url);
    const useAll = async (revision: number): Promise<void> => {
      expect(await old.turns.write('staging', fullTurnState('staging'), revision)).toBe('written');
      const manifest = { serial: revision + 1, document: Buffer.from('1'), epoch: 0 };
      expect(await old.manifests.publish('staging', manifest, revision)).toMatchObject({
        highest: revision + 1,
      });
      expect(await old.manifests.read('staging')).toMatchObject({ revision: revision + 1 });
      await old.fleets.take('staging', newReport('web-1'), limits);
      expect((await old.fleets.changes('staging', undefined)).changes).toHaveLength(1);
      expect((await old.fleets.reports('staging', ['web-1'])).size).toBe(1);
    };
    await useAll(0);
    const added = open(url, [...MIGRATIONS, next(1)]);
    expect(await added.turns.read('staging')).toMatchObject({ revision: 1 });
    // On connections that know the tables as they were.
    await useAll(1);
    expect(await open(url).turns.read('staging')).toMatchObject({ revision: 2 });
  });

  it('that this hub no longer understands are refused', async () => {
    const { url } = await sharedDatabase();
    expect(await open(url, [...MIGRATIONS, next(1000)]).check()).toBeUndefined();
    expect(await open(url).check()).toMatchObject({
      retry: 'changed',
      message: 'the tables of the database have version 1000, which this hub no longer understands',
    });
  });
});

describe('a database that cannot be used as it is', () => {
  it('is named: a role that is missing, and a primary that is read-only', async () => {
    const database = await sharedDatabase();
    const address = parseDatabaseAddress(database.url);
    const missing = await applySchema(address, 'missing', Date.now).catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(AgentError);
    const { message, advice } = missing as AgentError;
    expect([message, advice]).toEqual([
      'the database has no such role',
      'make it first: create role NAME login',
    ]);
    await database.query(`alter database ${database.name} set default_transaction_read_only = on`);
    const failure = await open(database.url).check();
    expect(failure?.message).toMatch(
      / it is a primary that takes no writes: look for default_transaction_read_only/,
    );
    expect(failure?.retry).toBe('later');
  });
});
