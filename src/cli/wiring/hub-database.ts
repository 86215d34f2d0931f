import { parseDatabaseAddress, type DatabaseAddress } from '../../adapters/hub-postgres/database-address.ts';
import { readSecret } from '../../config/secret.ts';

/** Where the store of a hub is; undefined for its folder. @throws AgentError CONFIG */
export const databaseOf = (
  option: string | undefined,
  env: NodeJS.ProcessEnv,
): DatabaseAddress | undefined => {
  const given = option ?? readSecret(env, 'SUPERCARGO_HUB_STORE').value;
  if (given === undefined) return undefined;
  const address = parseDatabaseAddress(given);
  const password = address.password ?? readSecret(env, 'SUPERCARGO_HUB_STORE_PASSWORD').value;
  return { ...address, password };
};
