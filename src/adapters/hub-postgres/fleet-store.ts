import type { FleetStore, TakenReport } from '../../core/ports/fleet-store.ts';
import { textArray } from './array-literal.ts';
import { readChanges } from './fleet-changes.ts';
import { countOtherEnvironments, lockFleet, writeBatch } from './report-queries.ts';
import type { Run } from './pool.ts';
import { applyBatch, type Change, type Outcome } from './report-batch.ts';
import { createReportQueue } from './report-queue.ts';
import type { Sql } from './session.ts';
import type { StoreClock } from './store-clock.ts';

export interface FleetTables extends FleetStore {
  /** Settles once no write is under way. */
  readonly idle: () => Promise<void>;
}

const hostOf = (change: Change): string => {
  switch (change.kind) {
    case 'take':
      return change.report.host;
    case 'beat':
      return change.beat.host;
    case 'remove':
      return change.host;
  }
};

const storeBatch = async (
  sql: Sql,
  environment: string,
  changes: readonly Change[],
): Promise<readonly Outcome[]> => {
  const locked = await lockFleet(sql, environment, [...new Set(changes.map(hostOf))]);
  const mayBeNew = locked.fleet.hosts === 0 && changes.some(({ kind }) => kind === 'take');
  const otherEnvironments = mayBeNew ? await countOtherEnvironments(sql, environment) : 0;
  const result = applyBatch({ ...locked, otherEnvironments, changes });
  if (result.writes.length === 0) await sql`rollback`;
  else await writeBatch(sql, environment, locked, result);
  return result.outcomes;
};

/** Reports in a database. */
export const createFleetTables = (run: Run, clock: StoreClock, gatherMs: number): FleetTables => {
  const queue = createReportQueue(
    (environment, changes) => run((sql) => storeBatch(sql, environment, changes)),
    gatherMs,
  );
  return {
    environments: async () => {
      const rows = await run(
        (sql) => sql<{ environment: string }[]>`
          select environment from supercargo.fleets where hosts > 0 order by environment`,
      );
      return rows.map(({ environment }) => environment);
    },
    changes: (environment, since) =>
      run((sql, goesOn) => readChanges(sql, environment, since, clock, goesOn)),
    take: (environment, report, limits) =>
      queue.add<TakenReport>(environment, { kind: 'take', report, limits }),
    beat: (environment, beat) => queue.add<'taken' | 'unknown'>(environment, { kind: 'beat', beat }),
    reports: async (environment, hosts) => {
      const rows = await run(
        (sql) => sql<{ host: string; document: Buffer }[]>`
          select host, document from supercargo.reports
          where environment = ${environment} and host = any (${textArray(hosts)}::text[]) and not is_removed`,
      );
      return new Map(rows.map(({ host, document }) => [host, document]));
    },
    remove: (environment, host) => queue.add<boolean>(environment, { kind: 'remove', host }),
    idle: queue.idle,
  };
};
