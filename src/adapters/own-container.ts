import { readFileSync } from 'node:fs';

/**
 * The engine mounts these over every container's own, from the folder that bears its id; with the host's
 * network too.
 */
const MOUNTED =
  /^\S+ \S+ \S+ \S*\/(?:overlay-)?containers\/([0-9a-f]{64})\/\S+ \/etc\/(?:hostname|hosts|resolv\.conf) /m;

/**
 * proc(5), /proc/pid/mountinfo: `id parent device root mount-point …`. The host's name is no proof: it can be
 * set, or be the host's.
 */
export const parseOwnContainer = (mountinfo: string): string | undefined => MOUNTED.exec(mountinfo)?.[1];

/**
 * The id of the container that this program runs in. Undefined: in none, or in one that an engine of another
 * kind made.
 */
export const readOwnContainer = (): string | undefined => {
  try {
    return parseOwnContainer(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
};
