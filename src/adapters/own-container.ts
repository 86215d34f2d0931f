import { readFileSync } from 'node:fs';

/**
 * The engine mounts these files from a folder that is named by the container's id, also with the host's
 * network.
 */
const MOUNTED =
  /^\S+ \S+ \S+ \S*\/(?:overlay-)?containers\/([\da-f]{64})\/\S+ \/etc\/(?:hostname|hosts|resolv\.conf) /m;

/**
 * Reads /proc/pid/mountinfo (proc(5)): `id parent device root mount-point …`. The hostname is no proof,
 * because it can be set or be the host's.
 */
export const parseOwnContainer = (mountinfo: string): string | undefined => MOUNTED.exec(mountinfo)?.[1];

/**
 * The id of the container that this program runs in; undefined if there is none, or if another kind of engine
 * made it.
 */
export const readOwnContainer = (): string | undefined => {
  try {
    return parseOwnContainer(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
};
