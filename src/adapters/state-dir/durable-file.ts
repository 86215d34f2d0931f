import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { stateDirError } from './state-dir-error.ts';

/** `.NAME.<16 hex digits>.tmp`: never the name of a file that anything reads. */
const TEMPORARY = /^\..+\.[0-9a-f]{16}\.tmp$/;

const temporaryPath = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);

const withOpen = async (
  opened: Promise<FileHandle>,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> => {
  const file = await opened;
  try {
    await use(file);
  } finally {
    await file.close();
  }
};

const writeNew = (path: string, content: string | Uint8Array, mode: number): Promise<void> =>
  withOpen(open(path, 'wx', mode), async (file) => {
    // The mode given to open is cut by the umask.
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  });

/** Without it a power cut may bring back the old name's file, or none. */
const syncFolder = (folder: string): Promise<void> => withOpen(open(folder, 'r'), (file) => file.sync());

/**
 * Replaces the file in one step: whoever reads sees the old content or the new one, also after a power cut.
 * When the promise is fulfilled the new one stays. On failure the old content is untouched (unless only the
 * last sync failed) and no temporary file is left.
 * @throws AgentError STATE_DIR
 */
export const writeDurably = async (
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> => {
  const temporary = temporaryPath(path);
  try {
    await writeNew(temporary, content, mode);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw stateDirError(error, `write ${path}`);
  }
};

/**
 * Removes what a writer left behind that was killed. Only for the holder of the lock, while it writes
 * nothing. A missing folder holds none. Returns the names that were removed, sorted.
 * @throws AgentError STATE_DIR
 */
export const sweepTemporaries = async (folder: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const stale = names.filter((name) => TEMPORARY.test(name)).toSorted();
    await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })));
    return stale;
  } catch (error) {
    throw stateDirError(error, `clean up ${folder}`);
  }
};
