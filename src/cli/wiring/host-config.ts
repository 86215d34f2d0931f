import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { readConfig, type Config } from '../../config/agent-config.ts';
import { readSurroundings } from '../../config/host-facts.ts';

/**
 * The group of the engine's socket, like SupplementaryGroups= in the unit. Empty for TCP, a missing socket or
 * root's group.
 */
const engineGroups = ({ address }: Config['engine']): readonly number[] => {
  if (address.kind !== 'unix') return [];
  const gid = statSync(address.socketPath, { throwIfNoEntry: false })?.gid ?? 0;
  return gid === 0 ? [] : [gid];
};

/** Returns false if this process is not root, or if the state folder is missing or belongs to root. */
const becomeStateOwner = ({ stateDir, engine }: Config): boolean => {
  if (process.geteuid?.() !== 0) return false;
  const owner = statSync(stateDir, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return false;
  process.setgroups?.([owner.gid, ...engineGroups(engine)]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
  return true;
};

/** userInfo() throws for a user without an entry in passwd. */
const homeOfUser = (): string | undefined => {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
};

/**
 * The agent's configuration. A root process first becomes the agent's user: the agent could not read a ledger
 * written by root, and root can read files that the agent cannot.
 * @throws AgentError CONFIG
 */
export const readHostConfig = (env: NodeJS.ProcessEnv): Config => {
  const config = readConfig(env, readSurroundings());
  return becomeStateOwner(config) ? readConfig({ ...env, HOME: homeOfUser() }, readSurroundings()) : config;
};
