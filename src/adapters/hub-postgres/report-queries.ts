import { SUMMARY_VERSION } from '../../core/hub/read-report.ts';
import type { NewReport } from '../../core/ports/fleet-store.ts';
import type { EpochMs } from '../../core/time.ts';
import { numberArray, textArray } from './array-literal.ts';
import type { BatchResult, HostWrite, StoredFleet, StoredHost } from './report-batch.ts';
import { packBodies } from './report-bodies.ts';
import type { Sql } from './session.ts';

/** For so long a removed host stays listed: for hubs that were away meanwhile. */
const REMOVED_MS = 86_400_000;
/** Of the advisory lock under which environments are counted: "fleet", shortened. */
const COUNT_LOCK = 7_583_403;

/** A row of supercargo.fleets. */
export interface FleetRow {
  readonly life: string;
  readonly revision: number;
  readonly hosts: number;
  readonly heard_ms: number;
  readonly at_ms: EpochMs;
  readonly reported_ms: EpochMs;
  readonly run: number;
  readonly run_began_ms: EpochMs;
  readonly before_run_ms: EpochMs;
  readonly is_forgotten: boolean;
  readonly pruned_revision: number;
}

/** By name: a prepared `f.*` fails once a newer hub has added a column. */
export const fleetColumns = (sql: Sql) => sql`
  f.life, f.revision, f.hosts, f.heard_ms, f.at_ms, f.reported_ms, f.run, f.run_began_ms, f.before_run_ms,
  f.is_forgotten, f.pruned_revision`;

export const fleetOf = (row: FleetRow): StoredFleet => ({
  revision: row.revision,
  hosts: row.hosts,
  heardMs: row.heard_ms,
  atMs: row.at_ms,
  reportedMs: row.reported_ms,
  run: row.run,
  runBeganMs: row.run_began_ms,
  beforeRunMs: row.before_run_ms,
  hasLostReports: row.is_forgotten,
});

interface HostRow {
  readonly host: string | null;
  readonly tag: string;
  readonly seq: number | null;
  readonly life: string | null;
  readonly replaced_lives: string;
  readonly at_ms: EpochMs;
}

export interface LockedFleet {
  readonly fleet: StoredFleet;
  readonly hosts: ReadonlyMap<string, StoredHost>;
  readonly hadReports: boolean;
  readonly atMs: EpochMs;
}

/**
 * Begins a transaction in which no other one changes this fleet: so revisions are committed in their order.
 * The statements go out together; the second one sees what the transaction before has committed.
 */
export const lockFleet = async (
  sql: Sql,
  environment: string,
  names: readonly string[],
): Promise<LockedFleet> => {
  const lock = () => sql<(FleetRow & { had_reports: boolean })[]>`
    select ${fleetColumns(sql)}, exists (select from supercargo.heard h where h.environment = f.environment) as had_reports
    from supercargo.fleets f where f.environment = ${environment} for update of f`;
  const read = () => sql<HostRow[]>`
    select host, tag, seq, life, replaced_lives, now.ms as at_ms
    from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms) as now
    left join supercargo.reports on environment = ${environment} and host = any (${textArray(names)}::text[])
      and not is_removed`;
  let [, fleets, rows] = await Promise.all([sql`begin`, lock(), read()]);
  if (fleets.length === 0) {
    const create = sql`
      insert into supercargo.fleets (environment) values (${environment}) on conflict do nothing`;
    [, fleets, rows] = await Promise.all([create, lock(), read()]);
  }
  const [row] = fleets;
  if (row === undefined) throw new Error('a fleet is missing that was just stored');
  const hosts = new Map<string, StoredHost>();
  for (const { host, tag, seq, life, replaced_lives: lives } of rows) {
    if (host === null) continue;
    hosts.set(host, { tag, seq, life, replacedLives: JSON.parse(lives) as readonly string[] });
  }
  return { fleet: fleetOf(row), hosts, hadReports: row.had_reports, atMs: rows[0]?.at_ms ?? 0 };
};

/** Other environments with a report; none is added before this transaction ends. */
export const countOtherEnvironments = async (sql: Sql, environment: string): Promise<number> => {
  const [, [row]] = await Promise.all([
    sql`select pg_advisory_xact_lock(${COUNT_LOCK})`,
    sql<{ count: number }[]>`
      select count(*) as count from supercargo.fleets where hosts > 0 and environment <> ${environment}`,
  ]);
  return row?.count ?? 0;
};

type ReportWrite = HostWrite & { readonly report: NewReport };

const isReport = (write: HostWrite): write is ReportWrite => Boolean(write.report);

const writeReports = (sql: Sql, environment: string, atMs: EpochMs, writes: readonly ReportWrite[]) => {
  const bodies = packBodies(writes.map(({ report }) => report));
  return sql`
    insert into supercargo.reports as r (environment, host, revision, report_revision, received_ms, heard_ms, run,
      seq, life, replaced_lives, tag, summary, summary_version, document, is_removed)
    select ${environment}, host, revision, revision, ${atMs}, heard_ms, run, seq, life, replaced_lives, tag,
      convert_from(substring(bodies.bytes from start for summary_length), 'UTF8'), ${SUMMARY_VERSION},
      substring(bodies.bytes from start + summary_length for document_length), false
    from (select ${bodies.bytes}::bytea as bytes) as bodies, unnest(
      ${textArray(writes.map(({ host }) => host))}::text[],
      ${numberArray(writes.map(({ revision }) => revision))}::bigint[],
      ${numberArray(writes.map(({ heardMs }) => heardMs))}::bigint[],
      ${numberArray(writes.map(({ run }) => run))}::integer[],
      ${numberArray(writes.map(({ seq }) => seq))}::bigint[],
      ${textArray(writes.map(({ life }) => life))}::text[],
      ${textArray(writes.map(({ replacedLives }) => JSON.stringify(replacedLives)))}::text[],
      ${textArray(writes.map(({ tag }) => tag))}::text[],
      ${numberArray(bodies.starts)}::integer[],
      ${numberArray(bodies.summaryLengths)}::integer[],
      ${numberArray(bodies.documentLengths)}::integer[]
    ) as w (host, revision, heard_ms, run, seq, life, replaced_lives, tag, start, summary_length, document_length)
    on conflict (environment, host) do update set
      revision = excluded.revision, report_revision = excluded.report_revision,
      received_ms = excluded.received_ms, heard_ms = excluded.heard_ms, run = excluded.run, seq = excluded.seq,
      life = excluded.life, replaced_lives = excluded.replaced_lives, tag = excluded.tag,
      summary = excluded.summary, summary_version = excluded.summary_version, document = excluded.document,
      is_removed = false`;
};

const writeBeats = (sql: Sql, environment: string, atMs: EpochMs, writes: readonly HostWrite[]) => sql`
  update supercargo.reports r
  set revision = w.revision, received_ms = ${atMs}, heard_ms = w.heard_ms, run = w.run, seq = w.seq
  from unnest(
    ${textArray(writes.map(({ host }) => host))}::text[],
    ${numberArray(writes.map(({ revision }) => revision))}::bigint[],
    ${numberArray(writes.map(({ heardMs }) => heardMs))}::bigint[],
    ${numberArray(writes.map(({ run }) => run))}::integer[],
    ${numberArray(writes.map(({ seq }) => seq))}::bigint[]
  ) as w (host, revision, heard_ms, run, seq)
  where r.environment = ${environment} and r.host = w.host`;

const writeRemovals = (sql: Sql, environment: string, atMs: EpochMs, writes: readonly HostWrite[]) => sql`
  with pruned as (
    delete from supercargo.reports
    where environment = ${environment} and is_removed and received_ms < ${atMs - REMOVED_MS}
    returning revision
  ), noted as (
    update supercargo.fleets set pruned_revision = (select max(revision) from pruned)
    where environment = ${environment} and exists (select from pruned)
  )
  update supercargo.reports r
  set revision = w.revision, report_revision = w.revision, received_ms = ${atMs}, run = w.run, seq = null, life = null,
    replaced_lives = '[]', tag = '', summary = '', document = '', is_removed = true
  from unnest(
    ${textArray(writes.map(({ host }) => host))}::text[],
    ${numberArray(writes.map(({ revision }) => revision))}::bigint[],
    ${numberArray(writes.map(({ run }) => run))}::integer[]
  ) as w (host, revision, run)
  where r.environment = ${environment} and r.host = w.host`;

const writeFleet = (sql: Sql, environment: string, fleet: StoredFleet) => sql`
  update supercargo.fleets
  set revision = ${fleet.revision}, hosts = ${fleet.hosts}, heard_ms = ${fleet.heardMs}, at_ms = ${fleet.atMs},
    reported_ms = ${fleet.reportedMs}, run = ${fleet.run}, run_began_ms = ${fleet.runBeganMs},
    before_run_ms = ${fleet.beforeRunMs}, is_forgotten = ${fleet.hasLostReports}
  where environment = ${environment}`;

/** Stores what a batch has changed, and ends its transaction. */
export const writeBatch = async (
  sql: Sql,
  environment: string,
  { atMs, hadReports }: Pick<LockedFleet, 'atMs' | 'hadReports'>,
  { fleet, writes }: BatchResult,
): Promise<void> => {
  const reports = writes.filter(isReport);
  const beats = writes.filter(({ report }) => report === undefined);
  const removals = writes.filter(({ report }) => report === null);
  await Promise.all([
    writeFleet(sql, environment, fleet),
    ...(reports.length > 0 ? [writeReports(sql, environment, atMs, reports)] : []),
    ...(beats.length > 0 ? [writeBeats(sql, environment, atMs, beats)] : []),
    ...(removals.length > 0 ? [writeRemovals(sql, environment, atMs, removals)] : []),
    ...(hadReports ? [] : [sql`insert into supercargo.heard values (${environment}) on conflict do nothing`]),
    sql`commit`,
  ]);
};

/** The row of an environment that had reports; without one in supercargo.fleets they are lost. */
export const expectReports = async (sql: Sql, environment: string): Promise<void> => {
  await sql`insert into supercargo.heard values (${environment}) on conflict do nothing`;
};
