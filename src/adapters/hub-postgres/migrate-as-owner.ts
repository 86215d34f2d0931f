import type { EpochMs } from '../../core/time.ts';
import { createConnector } from './connector.ts';
import type { DatabaseAddress } from './database-address.ts';
import { createPool } from './pool.ts';
import { grantsFor, prepareSchema } from './migrate.ts';
import { createStoreClock } from './store-clock.ts';

/**
 * Makes or updates the tables as their owner, and lets a role use them. Returns the versions that were
 * applied.
 * @throws AgentError STORE
 */
export const applySchema = async (
  address: DatabaseAddress,
  role: string | undefined,
  now: () => EpochMs,
): Promise<readonly number[]> => {
  const pool = createPool(createConnector(address, createStoreClock(now)));
  try {
    const applied = await prepareSchema(pool);
    if (role !== undefined) await pool.run((sql) => sql.unsafe(grantsFor(role)));
    return applied;
  } finally {
    await pool.close();
  }
};
