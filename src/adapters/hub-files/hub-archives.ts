import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../core/errors.ts';
import { ARCHIVE_FOLDER } from '../../core/fleet/store-layout.ts';
import { createOneAtATime } from '../../core/one-at-a-time.ts';
import type { HubArchives } from '../../core/ports/hub-archives.ts';
import { freeBytes } from '../../io/disk-space.ts';
import { isAbsent, replaceFile, syncFolder, temporaryIn } from '../../io/durable-file.ts';
import { FILE_MODE, makeFolder, WORK_FOLDER } from './hub-folder.ts';
import { storeError } from './store-error.ts';

/** Reserved for manifests and reports, which are small and must always fit. */
const RESERVE_BYTES = 256 * 1024 * 1024;

const noSpace = (bytes: number): AgentError =>
  new AgentError('STORE', `the disk has no space for an archive of ${String(bytes)} bytes`, {
    retry: 'later',
    advice: 'free some space on the disk of the hub’s folder (df -h), or publish without --archive',
    fields: { code: 'ENOSPC' },
  });

/** Thrown in the stream, so that a body that is longer than announced ends at once. */
const MISMATCH = new Error('not what was announced');

/** Archives below the hub's folder, which must be open already. */
export const createHubArchives = (root: string, freeIn = freeBytes): HubArchives => {
  const folder = join(root, ARCHIVE_FOLDER);
  const inTurn = createOneAtATime();
  /** Bytes of archives under way that are announced and not written yet: they are as good as used. */
  let announced = 0;
  const reserve = (bytes: number): Promise<void> =>
    inTurn('space', async () => {
      if ((await freeIn(root)) < announced + bytes + RESERVE_BYTES) throw noSpace(bytes);
      announced += bytes;
    });
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
      const temporary = temporaryIn(join(root, WORK_FOLDER), file);
      let got = 0;
      async function* checked(): AsyncGenerator<Uint8Array> {
        const hash = createHash('sha256');
        for await (const chunk of content) {
          if (got + chunk.length > bytes) throw MISMATCH;
          got += chunk.length;
          announced -= chunk.length;
          hash.update(chunk);
          yield chunk;
        }
        if (got !== bytes || `sha256:${hash.digest('hex')}` !== digest) throw MISMATCH;
      }
      await reserve(bytes);
      try {
        await makeFolder(folder);
        await replaceFile(join(folder, file), checked(), { mode: FILE_MODE, temporary });
        return 'written';
      } catch (error) {
        if (error === MISMATCH) return 'mismatch';
        throw storeError(error, `write ${ARCHIVE_FOLDER}/${file}`);
      } finally {
        announced -= bytes - got;
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
