import { fleetStoreContract } from '../../../support/fleet-store-contract.ts';
import { manifestStoreContract } from '../../../support/manifest-store-contract.ts';
import {
  databaseWithTables,
  emptyTables,
  postgresStores,
  type PostgresStores,
} from '../../../support/postgres-store.ts';
import { turnStoreContract } from '../../../support/turn-store-contract.ts';

const database = await databaseWithTables();
const createStores = async (): Promise<PostgresStores> => {
  await emptyTables(database);
  return postgresStores(database.url);
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
    const { open, close } = await createStores();
    return {
      store: open().fleets,
      second: () => Promise.resolve(open().fleets),
      // What a crash of the server does to unlogged tables.
      nextLife: async () => {
        await database.query('truncate supercargo.fleets, supercargo.reports');
        return open().fleets;
      },
      advance: () => Promise.reject(new Error('the clock is that of the server')),
      cleanup: close,
    };
  },
  { hasRuns: true, hasClock: false },
);
