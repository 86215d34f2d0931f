import { AgentError } from '../../core/errors.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import type { Pool } from './pool.ts';
import type { Sql } from './session.ts';

/** Creating an index of a large table takes its time; no hub waits for it. */
const MIGRATION_MS = 600_000;
/** Of the advisory lock that lets one hub migrate at a time: "supercargo", shortened. */
const LOCK = 7_583_402;

interface SchemaState {
  /** 0 without a schema. */
  readonly version: number;
  readonly leastVersion: number;
}

export const readState = async (sql: Sql): Promise<SchemaState> => {
  const [found] = await sql<{ exists: boolean }[]>`
    select to_regclass('supercargo.migrations') is not null as exists`;
  if (found?.exists !== true) return { version: 0, leastVersion: 0 };
  const [newest] = await sql<{ version: number; least_version: number }[]>`
    select version, least_version from supercargo.migrations order by version desc limit 1`;
  return { version: newest?.version ?? 0, leastVersion: newest?.least_version ?? 0 };
};

export const readSchema = (pool: Pick<Pool, 'run'>): Promise<SchemaState> => pool.run(readState);

/** Whether the role may create the schema, or owns it. */
export const mayMigrate = async (sql: Sql): Promise<boolean> => {
  const [found] = await sql<{ may: boolean }[]>`
    select coalesce(
      (select pg_has_role(nspowner, 'USAGE') from pg_namespace where nspname = 'supercargo'),
      has_database_privilege(current_database(), 'CREATE')
    ) as may`;
  return found?.may === true;
};

/**
 * Applies what is missing, each step in one transaction. Returns the versions that it has applied. It has the
 * lock before a transaction begins, which then sees the tables that another hub has just made. A failure ends
 * the connection, and so the lock.
 */
const migrate = async (sql: Sql, migrations: readonly Migration[]): Promise<readonly number[]> => {
  await sql`select set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)`;
  await sql`select pg_advisory_lock(${LOCK})`;
  const applied: number[] = [];
  for (const { version, leastVersion, sql: statements } of migrations) {
    await sql`begin`;
    const state = await readState(sql);
    if (state.version < version) {
      await sql.unsafe(statements);
      await sql`insert into supercargo.migrations (version, least_version) values (${version}, ${leastVersion})`;
      applied.push(version);
    }
    await sql`commit`;
  }
  await sql`select pg_advisory_unlock(${LOCK})`;
  await sql`select set_config('statement_timeout', '9s', false), set_config('lock_timeout', '5s', false)`;
  return applied;
};

const newestOf = (migrations: readonly Migration[]): number => migrations.at(-1)?.version ?? 0;

const refuseNewer = ({ version, leastVersion }: SchemaState, newest: number): void => {
  if (leastVersion <= newest) return;
  throw new AgentError(
    'STORE',
    `the tables of the database have version ${String(version)}, which this hub no longer understands`,
    { advice: 'update this hub to the version of the hubs that made them' },
  );
};

const mayNot = (state: SchemaState, newest: number): AgentError =>
  new AgentError(
    'STORE',
    state.version === 0
      ? 'the database has no tables for the hub yet, and its role may not create them'
      : `the tables of the database have version ${String(state.version)}, this hub needs ` +
          `${String(newest)}, and its role may not change them`,
    {
      advice:
        'as the owner of the database run: supercargo hub schema --store … --role ROLE, ' +
        'with the role of the hub',
    },
  );

/**
 * Brings the tables to the version of this hub, if they are older and the role may.
 * @throws AgentError STORE
 */
export const prepareSchema = async (
  pool: Pick<Pool, 'run'>,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<readonly number[]> => {
  const newest = newestOf(migrations);
  const isCurrent = await pool.run(async (sql) => {
    const state = await readState(sql);
    refuseNewer(state, newest);
    if (state.version < newest && !(await mayMigrate(sql))) throw mayNot(state, newest);
    return state.version >= newest;
  });
  return isCurrent ? [] : pool.run((sql) => migrate(sql, migrations), MIGRATION_MS);
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * What the role of a hub needs, also for the tables of later versions. It can neither change nor drop one.
 */
export const grantsFor = (role: string): string =>
  [
    `grant usage on schema supercargo to ${quoted(role)};`,
    `grant select, insert, update, delete on all tables in schema supercargo to ${quoted(role)};`,
    `revoke insert, update, delete on supercargo.migrations from ${quoted(role)};`,
    'alter default privileges in schema supercargo ' +
      `grant select, insert, update, delete on tables to ${quoted(role)};`,
  ].join('\n');

/** All statements, for an owner that runs them by hand with psql. */
export const schemaText = (role: string | undefined): string =>
  [
    ...MIGRATIONS.map(
      ({ version, leastVersion, sql }) =>
        `begin;${sql}\ninsert into supercargo.migrations (version, least_version) ` +
        `values (${String(version)}, ${String(leastVersion)});\ncommit;`,
    ),
    ...(role === undefined ? [] : [grantsFor(role)]),
  ].join('\n\n');
