import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/**
 * Makes a folder with its parents; one that exists stays as it is. Returns the topmost folder that it made.
 * Node's `recursive` never returns where the kernel has no folder to make, as below /proc.
 */
export const makePath = async (folder: string, mode = 0o777): Promise<string | undefined> => {
  try {
    await mkdir(folder, { mode });
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await isFolder(folder))) return undefined;
    const parent = dirname(folder);
    if (code !== 'ENOENT' || parent === folder || (await isFolder(parent))) throw error;
    const first = await makePath(parent, mode);
    const own = await makePath(folder, mode);
    return first ?? own;
  }
};
