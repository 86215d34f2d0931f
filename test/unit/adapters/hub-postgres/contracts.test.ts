import { expect } from 'vitest';
import { fleetStoreContract } from '../../../support/fleet-store-contract.ts';
import { manifestStoreContract } from '../../../support/manifest-store-contract.ts';
import type { TestDatabase } from '../../../support/postgres-database.ts';
import { emptyTables, postgresStores, type PostgresStores } from '../../../support/postgres-store.ts';
import { sharedDatabase } from '../../../support/shared-postgres.ts';
import { turnStoreContract } from '../../../support/turn-store-contract.ts';

const database: { made?: Promise<TestDatabase> } = {};
const make = async (): Promise<TestDatabase> => {
  const made = await sharedDatabase();
  const { open, close } = postgresStores(made.url);
  expect(await open().check()).toBeUndefined();
  await close();
  return made;
};
const createStores = async (): Promise<PostgresStores & Pick<TestDatabase, 'query'>> => {
  const made = await (database.made ??= make());
  await emptyTables(made);
  return { ...postgresStores(made.url), query: made.query };
};

manifestStoreContract('PostgreSQL', async () => {
  const { open, close } = await createStores();
  return {
    store: open().manifests,
    reopen: () => Promise.resolve(open().manifests),
    cleanup: close,
  };
});

turnStoreContract('PostgreSQL', async () => {
  const { open, close } = await createStores();
  return {
    store: open().turns,
    reopen: () => Promise.resolve(open().turns),
    cleanup: close,
  };
});

fleetStoreContract(
  'PostgreSQL',
  async () => {
    const { open, close, query } = await createStores();
    return {
      store: open().fleets,
      second: () => Promise.resolve(open().fleets),
      // What a crash of the server does to unlogged tables.
      nextLife: async () => {
        await query('truncate supercargo.fleets, supercargo.reports');
        return open().fleets;
      },
      advance: () => Promise.reject(new Error('the clock is that of the server')),
      cleanup: close,
    };
  },
  { hasRuns: true, hasClock: false },
);
