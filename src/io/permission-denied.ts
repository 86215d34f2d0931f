import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AgentError } from '../core/errors.ts';

/** The group of the path, or of its nearest folder that this user can see. */
const groupIdOf = (path: string): number => {
  try {
    return statSync(path).gid;
  } catch {
    return path === dirname(path) ? 0 : groupIdOf(dirname(path));
  }
};

/** Undefined for root's group, and for one without a name. */
const groupOf = (path: string): string | undefined => {
  const gid = groupIdOf(path);
  if (gid === 0) return undefined;
  try {
    const lines = readFileSync('/etc/group', 'utf8').split('\n');
    return lines.find((line) => line.split(':')[2] === String(gid))?.split(':')[0];
  } catch {
    return undefined;
  }
};

/** A file or socket of the agent that this user may not use, in one line. */
export const permissionDenied = (path: string): AgentError => {
  const group = groupOf(path);
  const join = group === undefined ? '' : `, or join group ${group}`;
  return new AgentError('CONFIG', `Permission denied: ${path}. Use sudo${join}.`);
};
