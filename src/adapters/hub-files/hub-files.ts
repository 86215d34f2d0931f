import { chown, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { AgentError } from '../../core/errors.ts';
import { TURNS_FOLDER } from '../../core/fleet/store-layout.ts';
import type { FileChange, HubFile, HubFiles } from '../../core/ports/hub-files.ts';
import type { EpochMs } from '../../core/time.ts';
import {
  isAbsent,
  replaceFile,
  sweepTemporaries,
  syncFolder,
  temporaryIn,
  type Owner,
} from '../../io/durable-file.ts';
import { FILE_MODE, lockFolder, makeFolder, WORK_FOLDER } from './hub-folder.ts';
import { storeError } from './store-error.ts';

export interface OpenHubFiles extends HubFiles {
  /** Settles once another hub can open the folder. */
  readonly close: () => Promise<void>;
}

/**
 * If root works in the folder of the hub's user, that user must be able to read the files. Returns undefined
 * if the files need no other owner.
 */
const ownerOf = async (folder: string): Promise<Owner | undefined> => {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = await stat(folder);
  return uid === 0 ? undefined : { uid, gid };
};

const readBytes = async (folder: string, path: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(join(folder, path));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw storeError(error, `read ${path}`);
  }
};

const listFolder = async (folder: string, path: string): Promise<readonly HubFile[]> => {
  try {
    const entries = await readdir(join(folder, path), { withFileTypes: true });
    const found: HubFile[] = [];
    for (const entry of entries) {
      if (entry.name.startsWith('.') || !(entry.isFile() || entry.isDirectory())) continue;
      const { mtimeMs } = await stat(join(folder, path, entry.name));
      found.push({
        name: entry.name,
        kind: entry.isFile() ? 'file' : 'folder',
        modifiedAtMs: Math.floor(mtimeMs),
      });
    }
    return found;
  } catch (error) {
    if (isAbsent(error)) return [];
    throw storeError(error, `list ${path}`);
  }
};

/** Applies each change separately, then syncs each folder once for all its changes. */
const applyAll = async (
  folder: string,
  changes: readonly FileChange[],
): Promise<readonly (AgentError | undefined)[]> => {
  const work = join(folder, WORK_FOLDER);
  const owner = await ownerOf(folder);
  const attempt = async ({ path, bytes }: FileChange): Promise<AgentError | undefined> => {
    try {
      const target = join(folder, path);
      await makeFolder(dirname(target));
      if (owner) await chown(dirname(target), owner.uid, owner.gid);
      if (bytes === undefined) await rm(target, { force: true });
      else {
        const temporary = temporaryIn(work, basename(path));
        await replaceFile(target, bytes, { mode: FILE_MODE, owner, temporary, syncsFolder: false });
      }
      return undefined;
    } catch (error) {
      return storeError(error, `${bytes === undefined ? 'remove' : 'write'} ${path}`);
    }
  };
  const results = await Promise.all(changes.map(attempt));
  const folders = new Map<string, AgentError | undefined>();
  await Promise.all(
    [...new Set(changes.map(({ path }) => dirname(path)))].map(async (path) => {
      const failure = await syncFolder(join(folder, path)).then(
        () => undefined,
        (error: unknown) => storeError(error, `sync ${path}`),
      );
      folders.set(path, failure);
    }),
  );
  return changes.map(({ path }, index) => results[index] ?? folders.get(dirname(path)));
};

const touchFile = async (folder: string, path: string, atMs: EpochMs): Promise<boolean> => {
  const time = new Date(atMs);
  try {
    await utimes(join(folder, path), time, time);
    return true;
  } catch {
    return false;
  }
};

/** Reads the files, even while a hub has the folder open. */
export const readHubFiles = (folder: string): Pick<HubFiles, 'read' | 'list'> => ({
  read: (path) => readBytes(folder, path),
  list: (path) => listFolder(folder, path),
});

/** A hub that has not written to its temporary file for so long is dead. */
const DEAD_AFTER_MS = 86_400_000;

/**
 * Makes a folder ready for the archives of several hubs at the same time, which keep all else in a database.
 * @throws AgentError STORE if the folder cannot be used
 */
export const prepareSharedFolder = async (folder: string, nowMs: EpochMs): Promise<void> => {
  const work = join(folder, WORK_FOLDER);
  try {
    await makeFolder(work);
    await sweepTemporaries(work, (atMs) => atMs < nowMs - DEAD_AFTER_MS);
  } catch (error) {
    throw storeError(error, `use the folder ${folder}`);
  }
};

/**
 * Durable files below one folder, which is created if missing. One hub at a time.
 * @throws AgentError STORE if the folder cannot be used or another hub has it
 */
export const openHubFiles = async (folder: string): Promise<OpenHubFiles> => {
  const work = join(folder, WORK_FOLDER);
  try {
    // Creates the common parents, so that each later folder has one creator.
    for (const name of [WORK_FOLDER, 'manifests', 'reports', TURNS_FOLDER])
      await makeFolder(join(folder, name));
  } catch (error) {
    throw storeError(error, `make the folder ${folder}`);
  }
  const lock = await lockFolder(work);
  try {
    await sweepTemporaries(work);
  } catch (error) {
    await lock.release();
    throw storeError(error, `clean up ${work}`);
  }
  return {
    ...readHubFiles(folder),
    apply: (changes) => applyAll(folder, changes),
    touch: (path, atMs) => touchFile(folder, path, atMs),
    close: lock.release,
  };
};
