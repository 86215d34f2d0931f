import { parseDatabaseAddress, type DatabaseAddress } from '../../adapters/hub-postgres/database-address.ts';
import { readSecret } from '../../config/secret.ts';
import { AgentError } from '../../core/errors.ts';

/**
 * Where the store of a hub is; undefined for its folder. A password in the option is refused: every user of
 * the machine sees it in the list of processes.
 * @throws AgentError CONFIG, USAGE
 */
export const databaseOf = (
  option: string | undefined,
  env: NodeJS.ProcessEnv,
): DatabaseAddress | undefined => {
  const given = option ?? readSecret(env, 'SUPERCARGO_HUB_STORE').value;
  if (given === undefined) return undefined;
  const address = parseDatabaseAddress(given);
  if (option !== undefined && address.password !== undefined)
    throw new AgentError('USAGE', 'a password in --store is visible to every user of this machine', {
      advice:
        'change that password; give the new one as SUPERCARGO_HUB_STORE_PASSWORD_FILE, ' +
        'or the whole address as SUPERCARGO_HUB_STORE_FILE',
    });
  const password = address.password ?? readSecret(env, 'SUPERCARGO_HUB_STORE_PASSWORD').value;
  return { ...address, password };
};
