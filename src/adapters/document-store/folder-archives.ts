import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveStore } from '../../core/ports/archive-store.ts';
import { isAbsent, replaceFile } from '../../io/durable-file.ts';
import { folderError } from './folder-error.ts';
import { makePath } from '../../io/make-path.ts';

const MODE = 0o644;

export const createFolderArchives = (root: string): ArchiveStore => ({
  find: async (path) => {
    try {
      const { size, mtimeMs } = await stat(join(root, path));
      return { bytes: size, modifiedAtMs: Math.floor(mtimeMs) };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw folderError('read', join(root, path), error);
    }
  },
  put: async (path, file, signal) => {
    try {
      const target = join(root, path);
      await makePath(dirname(target));
      await replaceFile(target, createReadStream(file), { mode: MODE, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw folderError('write', join(root, path), error);
    }
  },
  remove: async (path) => {
    try {
      await rm(join(root, path), { force: true });
    } catch (error) {
      throw folderError('remove', join(root, path), error);
    }
  },
});
