import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { type PostgresOptions, type TestPostgres, startPostgres } from '../../support/postgres.ts';
import { sharedDatabase } from '../../support/shared-postgres.ts';

const start = async (options: PostgresOptions = {}): Promise<TestPostgres> => {
  const server = await startPostgres(options);
  onTestFinished(server.stop);
  return server;
};

const connect = (url: string, options: postgres.Options<Record<string, never>> = {}): postgres.Sql => {
  const sql = postgres(url, { max: 1, ...options });
  onTestFinished(async () => sql.end({ timeout: 1 }));
  return sql;
};

it('shares one server between the files of a run, with a database for each that asks', async () => {
  const [one, other] = [await sharedDatabase(), await sharedDatabase()];
  const sql = connect(one.url);
  await sql`create table written (answer int)`;
  await sql`insert into written values (42)`;
  expect(await one.query('select answer from written')).toEqual(['42']);
  expect(await other.query("select to_regclass('written') is null")).toEqual(['t']);
  expect(new URL(other.url).port).toBe(new URL(one.url).port);
  expect(await sql`select current_user::text as name`).toEqual([{ name: 'hub' }]);
});

it('keeps what was acknowledged when it is killed, and nothing once it is stopped', async () => {
  const server = await startPostgres();
  const { url, query } = await server.createDatabase();
  const sql = connect(url);
  await sql`create table written (answer int)`;
  await sql`insert into written values (42)`;
  await server.kill();
  await expect(query('select 1')).rejects.toThrow('psql');
  await server.restart();
  expect(await query('select answer from written')).toEqual(['42']);
  // The driver connects again by itself.
  expect(await sql`select answer from written`).toEqual([{ answer: 42 }]);
  await server.stop();
  expect(existsSync(server.folder)).toBe(false);
  await expect(query('select 1')).rejects.toThrow('psql');
});

it('lets in over TCP, where it is told so, only with its password and over TLS', async () => {
  const server = await start({ tls: true, password: 'right' });
  const { url } = await server.createDatabase();
  // The driver looks for "localhost" in the certificate where it connects to an address.
  const ssl = { host: '127.0.0.1', ca: await readFile(server.certificateFile) };
  expect(await connect(url, { password: 'right', ssl })`select 1 as one`).toEqual([{ one: 1 }]);
  await expect(connect(url, { password: 'wrong', ssl })`select 1`).rejects.toThrow('password');
  await expect(connect(url, { password: 'right' })`select 1`).rejects.toThrow('no encryption');
});
