import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Returns undefined if the folder is there. */
const makeOne = async (folder: string, mode: number): Promise<string | undefined> => {
  try {
    await mkdir(folder, { mode });
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && (await isFolder(folder))) return undefined;
    throw error;
  }
};

/**
 * Makes a folder with its parents; one that exists stays as it is. Returns the topmost folder that it made.
 * Node's `recursive` never returns where the kernel has no folder to make, as below /proc.
 */
export const makePath = async (folder: string, mode = 0o777): Promise<string | undefined> => {
  try {
    return await makeOne(folder, mode);
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    const first = await makePath(parent, mode);
    // Another caller may have made the parent meanwhile, so this is tried again in any case, but only once.
    const own = await makeOne(folder, mode);
    return first ?? own;
  }
};
