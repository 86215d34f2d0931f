import { readReport, SUMMARY_VERSION, type ReportSummary } from '../../core/hub/read-report.ts';
import type { FleetChange, FleetChanges, Hearing } from '../../core/ports/fleet-store.ts';
import type { EpochMs } from '../../core/time.ts';
import { fleetColumns, type FleetRow } from './report-queries.ts';
import type { Sql } from './session.ts';
import type { StoreClock } from './store-clock.ts';

/** Rows of one answer: the hub serves others between two. */
const PAGE = 2000;

interface ChangeRow {
  readonly host: string;
  readonly revision: number;
  readonly received_ms: EpochMs;
  readonly heard_ms: number;
  readonly run: number;
  readonly seq: number | null;
  readonly tag: string;
  readonly is_removed: boolean;
  /** Null for a heartbeat, and for a summary of another version of the hub. */
  readonly summary: string | null;
  readonly document: Buffer | null;
}

/** JSON leaves out what is undefined. */
const summaryOfJson = (text: string): ReportSummary => {
  const { labels, ...rest } = JSON.parse(text) as ReportSummary;
  return { ...rest, labels };
};

/** Undefined if this version of the hub cannot read the report. */
const summaryOf = (environment: string, { host, summary, document }: ChangeRow) => {
  if (summary !== null) return summaryOfJson(summary);
  const read = document && readReport(document, environment, host);
  return read?.kind === 'report' ? read.summary : undefined;
};

const changeOf = (environment: string, row: ChangeRow, clock: StoreClock): readonly FleetChange[] => {
  const { host, revision, run } = row;
  if (row.is_removed) return [{ kind: 'removed', host, revision, run }];
  const heard = {
    host,
    revision,
    run,
    receivedAtMs: clock.toHub(row.received_ms),
    heardMs: row.heard_ms,
    seq: row.seq,
  };
  if (row.summary === null && row.document === null) return [{ kind: 'heartbeat', ...heard }];
  const summary = summaryOf(environment, row);
  return summary === undefined ? [] : [{ kind: 'report', ...heard, tag: row.tag, summary }];
};

const readPage = (sql: Sql, environment: string, since: number, after: number) => sql<ChangeRow[]>`
  select host, revision, received_ms, heard_ms, run, seq, tag, is_removed,
    case when report_revision > ${since} and summary_version = ${SUMMARY_VERSION} and not is_removed
      then summary end as summary,
    case when report_revision > ${since} and summary_version <> ${SUMMARY_VERSION} and not is_removed
      then document end as document
  from supercargo.reports
  where environment = ${environment} and revision > ${after}
  order by revision limit ${PAGE}`;

const hearingOf = (row: FleetRow, clock: StoreClock): Hearing => ({
  life: row.life,
  revision: row.revision,
  heardMs: row.heard_ms,
  atMs: clock.toHub(row.at_ms),
  run: row.run,
  runBeganMs: clock.toHub(row.run_began_ms),
  beforeRunMs: clock.toHub(row.before_run_ms),
  hasLostReports: row.is_forgotten,
});

/** A lost fleet is heard anew from now on, although no host has been heard. */
const unheard = (hadReports: boolean, clock: StoreClock): Hearing => ({
  life: '',
  revision: 0,
  heardMs: 0,
  atMs: 0,
  run: 0,
  runBeganMs: hadReports ? clock.now() : 0,
  beforeRunMs: 0,
  hasLostReports: hadReports,
});

/** Without a fleet all but the last member are null. */
type FoundFleet = (FleetRow | { readonly life: null }) & { readonly had_reports: boolean };
type Since = Pick<Hearing, 'life' | 'revision'> | undefined;

/**
 * Reads in one snapshot, so that a host which changes meanwhile is neither missed nor listed by half. Calls
 * `goesOn` after each answer: a fleet of 100,000 hosts may take longer than the database has for one.
 */
export const readChanges = async (
  sql: Sql,
  environment: string,
  since: Since,
  clock: StoreClock,
  goesOn: () => void,
): Promise<FleetChanges> => {
  const [, [row]] = await Promise.all([
    sql`begin isolation level repeatable read read only`,
    sql<FoundFleet[]>`
      select ${fleetColumns(sql)}, exists (select from supercargo.heard where environment = asked.environment) as had_reports
      from (select ${environment}::text as environment) as asked
      left join supercargo.fleets f on f.environment = asked.environment`,
  ]);
  const fleet = row === undefined || row.life === null ? undefined : row;
  const hearing = fleet ? hearingOf(fleet, clock) : unheard(row?.had_reports === true, clock);
  const isKnown =
    since?.life === hearing.life &&
    since.revision <= hearing.revision &&
    since.revision >= (fleet?.pruned_revision ?? 0);
  const from = isKnown ? since.revision : 0;
  const changes: FleetChange[] = [];
  let after = from;
  while (after < hearing.revision) {
    const rows = await readPage(sql, environment, from, after);
    goesOn();
    for (const each of rows) changes.push(...changeOf(environment, each, clock));
    if (rows.length < PAGE) break;
    after = rows.at(-1)?.revision ?? hearing.revision;
  }
  await sql`commit`;
  return { hearing, isWhole: !isKnown, changes };
};
