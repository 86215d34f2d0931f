import { applySchema } from '../../src/adapters/hub-postgres/migrate-as-owner.ts';
import {
  createHubPostgres,
  type HubPostgres,
  type HubPostgresOptions,
} from '../../src/adapters/hub-postgres/hub-postgres.ts';
import { parseDatabaseAddress } from '../../src/adapters/hub-postgres/database-address.ts';
import { sharedDatabase } from './shared-postgres.ts';
import type { TestDatabase } from './postgres-database.ts';

/** Stores of several hubs in one database. */
export interface PostgresStores {
  readonly open: (options?: Partial<HubPostgresOptions>) => HubPostgres;
  readonly close: () => Promise<void>;
}

/** A database of its own, of which the tables are made. */
export const databaseWithTables = async (): Promise<TestDatabase> => {
  const database = await sharedDatabase();
  await applySchema(parseDatabaseAddress(database.url), undefined, Date.now);
  return database;
};

/** For a new store in a database that has the tables already: quicker than a new database. */
export const emptyTables = async ({ query }: TestDatabase): Promise<void> => {
  const tables = ['manifests', 'history', 'probes', 'turns', 'heard', 'fleets', 'reports', 'set_aside'];
  await query(`truncate ${tables.map((table) => `supercargo.${table}`).join(', ')}`);
};

export const postgresStores = (url: string): PostgresStores => {
  const opened: HubPostgres[] = [];
  return {
    open: (options = {}) => {
      const store = createHubPostgres({
        address: parseDatabaseAddress(url),
        now: Date.now,
        gatherMs: 5,
        ...options,
      });
      opened.push(store);
      return store;
    },
    close: async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
    },
  };
};
