import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AgentError, messageOf } from '../../core/errors.ts';
import type { ArchiveStore } from '../../core/ports/archive-store.ts';

const MODE = 0o644;

const storeError = (verb: string, path: string, error: unknown): AgentError =>
  new AgentError('STORE', `cannot ${verb} ${path}: ${messageOf(error)}`, {
    cause: error,
    advice: 'check --to, the room on that disk, and that this user may read and write there',
  });

const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** Piece by piece, beside its place first: who reads sees it whole or not at all. */
const copyDurably = async (from: string, to: string, signal: AbortSignal): Promise<void> => {
  const folder = dirname(to);
  const temporary = join(folder, `.${basename(to)}.${randomBytes(8).toString('hex')}.tmp`);
  await mkdir(folder, { recursive: true });
  try {
    await pipeline(
      createReadStream(from),
      createWriteStream(temporary, { flags: 'wx', mode: MODE, flush: true }),
      { signal },
    );
    await rename(temporary, to);
    await syncFolder(folder);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
};

export const createFolderArchives = (root: string): ArchiveStore => ({
  find: async (path) => {
    try {
      const { size, mtimeMs } = await stat(join(root, path));
      return { bytes: size, modifiedAtMs: Math.floor(mtimeMs) };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw storeError('read', join(root, path), error);
    }
  },
  put: async (path, file, signal) => {
    try {
      await copyDurably(file, join(root, path), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw storeError('write', join(root, path), error);
    }
  },
  remove: async (path) => {
    try {
      await rm(join(root, path), { force: true });
    } catch (error) {
      throw storeError('remove', join(root, path), error);
    }
  },
});
