import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Inside the folder, for the same file system: the lock, and what is being written. Nothing in it is worth a
 * backup.
 */
export const WORK_FOLDER = '.hub';
const FOLDER_MODE = 0o750;
export const FILE_MODE = 0o640;

export const withOpen = async (
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

/** Made, and known to its parents after a power cut. */
export const makeFolder = async (folder: string): Promise<void> => {
  const first = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
};

export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
