import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DocumentStore, StoredDocument, WriteCondition } from '../../core/ports/document-store.ts';
import { replaceFile } from '../../io/durable-file.ts';
import { abstractSocket, isTaken, takeLock, type SocketLock } from '../../io/socket-lock.ts';
import { folderError } from './folder-error.ts';
import { makePath } from '../../io/make-path.ts';

/** Every user may read the documents, because a web server usually serves them. */
const MODE = 0o644;
const LOCK_WAIT_MS = 10_000;
const LOCK_EVERY_MS = 20;

const versionOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Allows one writer at a time on this machine, but does not exclude publishers on other machines. */
const withLock = async <T>(folder: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  const socket = abstractSocket('supercargo-store', await realpath(folder), 32);
  const end = performance.now() + LOCK_WAIT_MS;
  let lock: SocketLock | undefined;
  while (!lock) {
    signal.throwIfAborted();
    try {
      lock = await takeLock(socket);
    } catch (error) {
      if (!isTaken(error) || performance.now() > end) throw folderError('lock', folder, error);
      await sleep(LOCK_EVERY_MS, undefined, { signal });
    }
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
};

const holds = (condition: WriteCondition, current: StoredDocument | undefined): boolean => {
  if (condition.kind === 'absent') return current === undefined;
  return condition.kind === 'none' || current?.version === condition.version;
};

/** A folder of this machine, which a web server may serve. */
export const createFolderStore = (folder: string): DocumentStore => {
  const read = async (path: string): Promise<StoredDocument | undefined> => {
    try {
      const [bytes, { mtimeMs }] = await Promise.all([
        readFile(join(folder, path)),
        stat(join(folder, path)),
      ]);
      return { bytes, version: versionOf(bytes), writtenAtMs: mtimeMs, readAtMs: Date.now() };
    } catch (error) {
      if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(codeOf(error))) return undefined;
      throw folderError('read', join(folder, path), error);
    }
  };
  return {
    name: folder,
    read: (path) => read(path),
    ask: async () => Promise.resolve(undefined),
    write: async (path, bytes, condition, signal) => {
      const target = join(folder, path);
      try {
        await makePath(dirname(target));
      } catch (error) {
        throw folderError('write', target, error);
      }
      return withLock(folder, signal, async () => {
        if (!holds(condition, await read(path))) return 'refused';
        try {
          await replaceFile(target, bytes, { mode: MODE });
        } catch (error) {
          throw folderError('write', target, error);
        }
        return 'written';
      });
    },
    remove: async (path) => {
      try {
        await rm(join(folder, path));
        return true;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false;
        throw folderError('remove', join(folder, path), error);
      }
    },
    list: async (path) => {
      try {
        const entries = await readdir(join(folder, path), { withFileTypes: true });
        return entries.flatMap((e) => (e.isFile() && !e.name.startsWith('.') ? [e.name] : []));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw folderError('list', join(folder, path), error);
      }
    },
    honoursConditions: async () => Promise.resolve(true),
  };
};
