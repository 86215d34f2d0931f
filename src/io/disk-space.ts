import { statfs } from 'node:fs/promises';

/** What a user without privileges may still write to the file system of this path. */
export const freeBytes = async (path: string): Promise<number> => {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
};
