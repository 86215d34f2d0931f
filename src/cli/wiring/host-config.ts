import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { readConfig, type Config } from '../../config/agent-config.ts';
import { readSurroundings } from '../../config/surroundings.ts';

/**
 * The group that may talk to the engine, as the unit's SupplementaryGroups= gives it. Root's needs no giving.
 */
const engineGroups = ({ address }: Config['engine']): readonly number[] => {
  if (address.kind !== 'unix') return [];
  const gid = statSync(address.socketPath, { throwIfNoEntry: false })?.gid ?? 0;
  return gid === 0 ? [] : [gid];
};

/** False where there is nobody to become: no root, no state yet, or a state of root's own. */
const becomeStateOwner = ({ stateDir, engine }: Config): boolean => {
  if (process.geteuid?.() !== 0) return false;
  const owner = statSync(stateDir, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return false;
  process.setgroups?.([owner.gid, ...engineGroups(engine)]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
  return true;
};

/** A user who is gone from passwd has no home. */
const homeOfUser = (): string | undefined => {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
};

/**
 * The agent's configuration. Root, who works on its files here, becomes its user first: a ledger that root
 * wrote is one that the agent could not read any more, and what only root may read is not what the agent
 * sees. @throws AgentError CONFIG
 */
export const readHostConfig = (env: NodeJS.ProcessEnv): Config => {
  const config = readConfig(env, readSurroundings());
  return becomeStateOwner(config) ? readConfig({ ...env, HOME: homeOfUser() }, readSurroundings()) : config;
};
