import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** `.NAME.<16 hex digits>.tmp`, or without the name: never the name of a file that anything reads. */
const TEMPORARY = /^(?:\..+\.)?[0-9a-f]{16}\.tmp$/;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export type Content = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface WriteOptions {
  /** Exact: the umask does not cut it. */
  readonly mode: number;
  /** Undefined: the user of this process. */
  readonly owner?: Owner | undefined;
  /** False: a power cut may lose the file. */
  readonly isDurable?: boolean;
  readonly signal?: AbortSignal;
}

export interface Replacement extends WriteOptions {
  /** Where the content is written first: on the same file system. Beside the file unless given. */
  readonly temporary?: string;
  /** False: the caller syncs the folder, once for many files. */
  readonly syncsFolder?: boolean;
}

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

/** Without it a power cut may bring back the old name's file, or none. */
export const syncFolder = (folder: string): Promise<void> =>
  withOpen(open(folder, 'r'), (file) => file.sync());

export const temporaryIn = (folder: string, name: string): string =>
  join(folder, `.${name}.${randomBytes(8).toString('hex')}.tmp`);

/** A new file: what is there already under this name is removed, and no link is followed. */
export const writeNew = async (
  path: string,
  content: Content,
  { mode, owner, isDurable = true, signal }: WriteOptions,
): Promise<void> => {
  await rm(path, { force: true });
  await withOpen(open(path, 'wx', mode), async (file) => {
    // The mode given to open is cut by the umask.
    await file.chmod(mode);
    await file.writeFile(content, signal && { signal });
    if (owner) await file.chown(owner.uid, owner.gid);
    if (isDurable) await file.sync();
  });
};

/**
 * Replaces the file in one step: a reader sees the old content or the new one, also after a power cut. When
 * the promise is fulfilled the new one stays. On failure the old content is untouched (unless only the last
 * sync failed) and no temporary file is left.
 */
export const replaceFile = async (path: string, content: Content, options: Replacement): Promise<void> => {
  const { isDurable = true, syncsFolder = isDurable } = options;
  const { temporary = temporaryIn(dirname(path), basename(path)) } = options;
  try {
    await writeNew(temporary, content, options);
    await rename(temporary, path);
    if (syncsFolder) await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
};

/**
 * Removes what a writer left behind that was killed. Only for the one writer of a folder, while it writes
 * nothing. A missing folder holds none. Returns the names that were removed, sorted.
 */
export const sweepTemporaries = async (folder: string): Promise<readonly string[]> => {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const stale = names.filter((name) => TEMPORARY.test(name)).toSorted();
  await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })));
  return stale;
};

export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
