import { AgentError } from '../../core/errors.ts';
import type { HubStore } from '../../core/ports/hub-store.ts';
import type { ManifestRepair } from '../../core/ports/manifest-repair.ts';
import type { EpochMs } from '../../core/time.ts';
import { createConnector } from './connector.ts';
import { addressText, type DatabaseAddress } from './database-address.ts';
import { databaseError } from './database-error.ts';
import { expectReports } from './report-queries.ts';
import { createFleetTables } from './fleet-store.ts';
import { createManifestTable } from './manifest-store.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { createPool, type Run } from './pool.ts';
import { createRepairTables } from './manifest-repair.ts';
import { prepareSchema, readSchema } from './migrate.ts';
import type { Sql } from './session.ts';
import { createStoreClock } from './store-clock.ts';
import { createNews } from './store-news.ts';
import { createTurnTable } from './turn-store.ts';

export interface HubPostgresOptions {
  readonly address: DatabaseAddress;
  readonly now: () => EpochMs;
  readonly migrations?: readonly Migration[];
  readonly gatherMs?: number;
  /** After which a call gives up. */
  readonly deadlineMs?: number;
  /** False for what only reads: then missing tables are an error. */
  readonly preparesSchema?: boolean;
}

export interface HubPostgres extends HubStore {
  readonly repair: ManifestRepair;
  /** Whether the database was prepared for hubs. */
  readonly hasTables: () => Promise<boolean>;
  /**
   * Marks the reports of an environment as lost, unless hosts have reported here: turns wait until hosts are
   * heard.
   */
  readonly expectReports: (environment: string) => Promise<void>;
}

/** Reports that come within this time share a transaction. */
const GATHER_MS = 100;

const CHECK_MS = 2000;

/** Throws, so that a connection to a demoted primary is dropped. */
const requireWritable = async (sql: Sql): Promise<void> => {
  const [row] = await sql<{ readonly: boolean }[]>`
    select current_setting('transaction_read_only') = 'on' as readonly`;
  if (row?.readonly === false) return;
  throw new AgentError('STORE', 'the database is read-only', {
    retry: 'later',
    advice: 'wait for the new primary; the hub looks for it',
  });
};

/**
 * The store of several hubs in one PostgreSQL database. It connects when it is used: what fails, fails until
 * the database is there.
 */
export const createHubPostgres = ({
  address,
  now,
  migrations = MIGRATIONS,
  gatherMs = GATHER_MS,
  deadlineMs,
  preparesSchema = true,
}: HubPostgresOptions): HubPostgres => {
  const clock = createStoreClock(now);
  const connector = createConnector(address, clock);
  const pool = createPool(connector, deadlineMs);
  const schema: { ready?: Promise<unknown> } = {};
  const prepared = async (): Promise<void> => {
    if (!preparesSchema) return;
    const mine = (schema.ready ??= prepareSchema(pool, migrations));
    try {
      await mine;
    } catch (error) {
      if (schema.ready === mine) delete schema.ready;
      throw error;
    }
  };
  const run: Run = async (work, withinMs) => {
    await prepared();
    return pool.run(work, withinMs);
  };
  const fleets = createFleetTables(run, clock, gatherMs);
  const news = createNews(run, connector, clock);
  return {
    name: addressText(address),
    isShared: true,
    manifests: createManifestTable(run),
    fleets,
    turns: createTurnTable(run),
    repair: createRepairTables(run, fleets),
    hasTables: async () => (await readSchema(pool)).version > 0,
    expectReports: (environment) => run((sql) => expectReports(sql, environment)),
    follow: news.follow,
    check: async () => {
      try {
        await run(requireWritable, CHECK_MS);
        return undefined;
      } catch (error) {
        return databaseError(error);
      }
    },
    close: async () => {
      await news.close();
      await fleets.idle();
      await pool.close();
    },
  };
};
