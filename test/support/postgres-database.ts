import { randomBytes } from 'node:crypto';
import { postgresProgram, runOrThrow } from './postgres-programs.ts';

/** A server on this machine. */
export interface PostgresAddress {
  /** Of its unix socket. */
  readonly folder: string;
  /** On 127.0.0.1. */
  readonly port: number;
}

export interface TestDatabase {
  readonly name: string;
  /** As `hub`, which owns the database and has no other rights. A password is not in it. */
  readonly url: string;
  /** As the superuser `postgres`. A password is not in it. */
  readonly adminUrl: string;
  /** As the superuser. */
  readonly query: (sql: string) => Promise<readonly string[]>;
}

/**
 * By psql over the unix socket, as the superuser: one string for each row, with `|` between its columns.
 * @throws with what psql wrote.
 */
export const queryPostgres = async (
  { folder, port }: PostgresAddress,
  sql: string,
  database = 'postgres',
): Promise<readonly string[]> => {
  const target = ['--host', folder, '--port', String(port), '--username', 'postgres', '--dbname', database];
  const flags = ['--no-psqlrc', '--no-align', '--tuples-only', '--quiet', '--set', 'ON_ERROR_STOP=1'];
  const rows = await runOrThrow(postgresProgram('psql'), [...flags, ...target, '--command', sql]);
  return rows.split('\n').filter((row) => row !== '');
};

/** A new, empty one; it ends with its server. */
export const createDatabase = async (address: PostgresAddress): Promise<TestDatabase> => {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await queryPostgres(address, `create database ${name} owner hub`);
  const place = `127.0.0.1:${String(address.port)}/${name}`;
  return {
    name,
    url: `postgres://hub@${place}`,
    adminUrl: `postgres://postgres@${place}`,
    query: async (sql) => queryPostgres(address, sql, name),
  };
};
