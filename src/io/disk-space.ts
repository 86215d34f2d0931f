import { statfs } from 'node:fs/promises';

/** The free bytes of this path's file system for a user without privileges. */
export const freeBytes = async (path: string): Promise<number> => {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
};
