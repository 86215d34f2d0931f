import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AgentError } from '../../core/errors.ts';
import { ARCHIVE_FOLDER } from '../../core/fleet/store-layout.ts';
import type { HubArchives } from '../../core/ports/hub-archives.ts';
import { FILE_MODE, isAbsent, makeFolder, syncFolder, WORK_FOLDER } from './durable.ts';
import { storeError } from './store-error.ts';

/** Left for manifests and reports, which are small and must always find room. */
const RESERVE_BYTES = 256 * 1024 * 1024;

const requireDiskSpace = async (folder: string, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes + RESERVE_BYTES) return;
  throw new AgentError('STORE', `there is no room for an archive of ${String(bytes)} bytes`, {
    retry: 'later',
    advice: 'free some space on the disk of the hub’s folder (df -h), or publish without --archive',
    fields: { code: 'ENOSPC' },
  });
};

/** Thrown through the pipeline, so that a body that is longer than it said ends at once. */
const OTHER = new Error('not what was announced');

/** Archives below the same folder as everything else; it has to be open already. */
export const createHubArchives = (root: string): HubArchives => {
  const folder = join(root, ARCHIVE_FOLDER);
  return {
    list: async () => {
      try {
        return (await readdir(folder)).toSorted();
      } catch (error) {
        if (isAbsent(error)) return [];
        throw storeError(error, `list ${ARCHIVE_FOLDER}`);
      }
    },
    find: async (file) => {
      try {
        const { size, mtimeMs } = await stat(join(folder, file));
        return { bytes: size, modifiedAtMs: Math.floor(mtimeMs) };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw storeError(error, `read ${ARCHIVE_FOLDER}/${file}`);
      }
    },
    open: (file) => createReadStream(join(folder, file)),
    receive: async (file, content, { digest, bytes }) => {
      const temporary = join(root, WORK_FOLDER, `${randomBytes(8).toString('hex')}.tmp`);
      const hash = createHash('sha256');
      let got = 0;
      async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        for await (const chunk of source) {
          got += chunk.length;
          if (got > bytes) throw OTHER;
          hash.update(chunk);
          yield chunk;
        }
      }
      try {
        await requireDiskSpace(root, bytes);
        await makeFolder(folder);
        const kept = createWriteStream(temporary, { flags: 'wx', mode: FILE_MODE, flush: true });
        await pipeline(content, counted, kept);
        if (got !== bytes || `sha256:${hash.digest('hex')}` !== digest) return 'mismatch';
        await rename(temporary, join(folder, file));
        await syncFolder(folder);
        return 'written';
      } catch (error) {
        if (error === OTHER) return 'mismatch';
        throw storeError(error, `write ${ARCHIVE_FOLDER}/${file}`);
      } finally {
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    },
    remove: async (file) => {
      try {
        await rm(join(folder, file));
        await syncFolder(folder);
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw storeError(error, `remove ${ARCHIVE_FOLDER}/${file}`);
      }
    },
  };
};
