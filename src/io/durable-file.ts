import { randomBytes } from 'node:crypto';
import { lstat, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { EpochMs } from '../core/time.ts';

/** `.NAME.<16 hex digits>.tmp`, or without the name. No file that is read has such a name. */
const TEMPORARY = /^(?:\..+\.)?[0-9a-f]{16}\.tmp$/;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export type Content = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface WriteOptions {
  /** Applied exactly: the umask does not reduce it. */
  readonly mode: number;
  /** Undefined for the user of this process. */
  readonly owner?: Owner | undefined;
  /** If false, a power cut may lose the file. */
  readonly isDurable?: boolean;
  readonly signal?: AbortSignal;
}

export interface Replacement extends WriteOptions {
  /** Where the content is written first, on the same file system; beside the file by default. */
  readonly temporary?: string;
  /** If false, the caller syncs the folder, once for many files. */
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

/** Makes renames durable: otherwise a power cut may bring back the old file, or none. */
export const syncFolder = (folder: string): Promise<void> =>
  withOpen(open(folder, 'r'), (file) => file.sync());

export const temporaryIn = (folder: string, name: string): string =>
  join(folder, `.${name}.${randomBytes(8).toString('hex')}.tmp`);

/** Writes a new file: removes what has this name, and follows no link. */
export const writeNew = async (
  path: string,
  content: Content,
  { mode, owner, isDurable = true, signal }: WriteOptions,
): Promise<void> => {
  await rm(path, { force: true });
  await withOpen(open(path, 'wx', mode), async (file) => {
    // The umask reduces the mode given to open.
    await file.chmod(mode);
    await file.writeFile(content, signal && { signal });
    if (owner) await file.chown(owner.uid, owner.gid);
    if (isDurable) await file.sync();
  });
};

/**
 * Replaces the file atomically: a reader sees the old content or the new one, also after a power cut. Once
 * the promise is fulfilled, the new content is durable. On failure the old content is unchanged (unless only
 * the last sync failed) and no temporary file is left.
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
 * Removes what a killed writer left behind. Only for the one writer of a folder, while it writes nothing;
 * with several writers, only what was not written to for so long that its writer is dead. Returns the removed
 * names, sorted; none for a missing folder.
 */
export const sweepTemporaries = async (
  folder: string,
  isStale: (modifiedAtMs: EpochMs) => boolean = () => true,
): Promise<readonly string[]> => {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const removed: string[] = [];
  for (const name of names.filter((each) => TEMPORARY.test(each)).toSorted()) {
    const found = await lstat(join(folder, name)).catch(() => undefined);
    if (found === undefined || !isStale(found.mtimeMs)) continue;
    await rm(join(folder, name), { force: true });
    removed.push(name);
  }
  return removed;
};

export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** @throws what the system says, unless that is that nothing is there */
export const isThere = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (isAbsent(error)) return false;
      throw error;
    },
  );
