import { messageOf } from '../../core/errors.ts';
import type { EpochMs } from '../../core/time.ts';
import { createConnector } from './connector.ts';
import { hostText, type DatabaseAddress } from './database-address.ts';
import { MIGRATIONS } from './migrations.ts';
import { MOST_SESSIONS } from './pool.ts';
import { mayMigrate, readState } from './migrate.ts';
import type { Sql } from './session.ts';
import { createStoreClock } from './store-clock.ts';

/** Of one host of the address. */
export type ExaminedHost =
  | { readonly kind: 'primary' | 'standby'; readonly host: string }
  | { readonly kind: 'failed'; readonly host: string; readonly message: string; readonly advice: string };

/** What the primary tells of itself. */
export interface DatabaseFacts {
  /** As in "15.8". */
  readonly version: string;
  readonly isEncrypted: boolean;
  readonly isSuperuser: boolean;
  /** Tables of the hub that the role may not read or write. */
  readonly forbiddenTables: readonly string[];
  /** Version of the tables; 0 without any. */
  readonly tables: number;
  /** The version that a hub needs to work with these tables. */
  readonly leastTables: number;
  /** The version that this program makes. */
  readonly ownTables: number;
  readonly mayMigrate: boolean;
  readonly standbys: number;
  /** Undefined if the role may not see it. */
  readonly synchronousStandbys: number | undefined;
  /** Whether a write waits for any standby. */
  readonly waitsForStandbys: boolean;
  readonly synchronousCommit: string;
  readonly fsync: boolean;
  readonly maxConnections: number;
  /** For superusers alone. */
  readonly reservedConnections: number;
  /** Connections of others than hubs. */
  readonly otherConnections: number;
  /** The most that one hub opens. */
  readonly connectionsOfHub: number;
  /** The clock of the database minus that of this machine. */
  readonly clockAheadMs: number;
}

interface Row {
  readonly version: string;
  readonly encrypted: boolean | null;
  readonly superuser: boolean;
  readonly sees_all: boolean;
  readonly standbys: number;
  readonly synchronous: number;
  readonly standby_names: string;
  readonly synchronous_commit: string;
  readonly fsync: boolean;
  readonly max_connections: number;
  readonly reserved: number;
  readonly others: number;
  readonly now_ms: number;
}

/** `reset_val` is what the role gets: a hub itself never works with less than `on`. */
const readServer = async (sql: Sql): Promise<Row> => {
  const [row] = await sql<Row[]>`
    select current_setting('server_version') as version,
      (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted,
      (select rolsuper from pg_roles where rolname = current_user) as superuser,
      pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') as sees_all,
      (select count(*) from pg_stat_replication)::int as standbys,
      (select count(*) from pg_stat_replication where sync_state in ('sync', 'quorum')
        and state = 'streaming')::int as synchronous,
      current_setting('synchronous_standby_names') as standby_names,
      (select reset_val from pg_settings where name = 'synchronous_commit') as synchronous_commit,
      current_setting('fsync') = 'on' as fsync,
      current_setting('max_connections')::int as max_connections,
      current_setting('superuser_reserved_connections')::int as reserved,
      (select count(*) from pg_stat_activity where backend_type = 'client backend'
        and application_name is distinct from 'supercargo-hub')::int as others,
      (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms`;
  if (row === undefined) throw new Error('the database tells nothing of itself');
  return row;
};

const readForbidden = async (sql: Sql): Promise<readonly string[]> => {
  const rows = await sql<{ name: string }[]>`
    select relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where nspname = 'supercargo' and relkind = 'r' and not (
      has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT') and (
        relname = 'migrations' or (has_table_privilege(c.oid, 'INSERT')
          and has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE'))))
    order by relname`;
  return rows.map(({ name }) => name);
};

const readFacts = async (sql: Sql, now: () => EpochMs): Promise<DatabaseFacts> => {
  const sentAtMs = now();
  const row = await readServer(sql);
  const clockAheadMs = Math.round(row.now_ms - (sentAtMs + now()) / 2);
  const forbiddenTables = await readForbidden(sql);
  const tables = forbiddenTables.includes('migrations')
    ? { version: 0, leastVersion: 0 }
    : await readState(sql);
  return {
    version: row.version.split(' ')[0] ?? row.version,
    isEncrypted: row.encrypted === true,
    isSuperuser: row.superuser,
    forbiddenTables,
    tables: tables.version,
    leastTables: tables.leastVersion,
    ownTables: MIGRATIONS.at(-1)?.version ?? 0,
    mayMigrate: await mayMigrate(sql),
    standbys: row.standbys,
    synchronousStandbys: row.sees_all ? row.synchronous : undefined,
    waitsForStandbys: row.standby_names !== '',
    synchronousCommit: row.synchronous_commit,
    fsync: row.fsync,
    maxConnections: row.max_connections,
    reservedConnections: row.reserved,
    otherConnections: row.others,
    // One more waits for notifications.
    connectionsOfHub: MOST_SESSIONS + 1,
    clockAheadMs,
  };
};

export interface ExaminedDatabase {
  readonly hosts: readonly ExaminedHost[];
  /** Undefined without a primary. */
  readonly facts: DatabaseFacts | undefined;
}

const PREFIX = /^no primary of the database can be reached: /;

/**
 * Looks at every host of a database, and changes nothing. @throws AgentError STORE if the primary tells
 * nothing
 */
export const examineDatabase = async (
  address: DatabaseAddress,
  now: () => EpochMs,
  signal: AbortSignal,
): Promise<ExaminedDatabase> => {
  const hosts: ExaminedHost[] = [];
  let facts: DatabaseFacts | undefined;
  for (const each of address.hosts) {
    const host = hostText(each);
    const { open } = createConnector({ ...address, hosts: [each] }, createStoreClock(now));
    try {
      const session = await open(signal);
      try {
        facts ??= await readFacts(session.sql, now);
      } finally {
        await session.end();
      }
      hosts.push({ kind: 'primary', host });
    } catch (error) {
      signal.throwIfAborted();
      const message = messageOf(error).replace(PREFIX, '');
      const { advice = '' } = error as { readonly advice?: string };
      hosts.push(
        message.endsWith(' it is a standby')
          ? { kind: 'standby', host }
          : { kind: 'failed', host, message, advice },
      );
    }
  }
  return { hosts, facts };
};
