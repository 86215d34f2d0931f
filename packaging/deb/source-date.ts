import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

/**
 * SOURCE_DATE_EPOCH (reproducible-builds.org) where the caller sets it, else the date of the last commit. A
 * tree without history has none: there the lockfile's date stands for it, which is the same for every build
 * of that tree.
 */
export const sourceDate = async (root: string): Promise<Date> => {
  const given = process.env['SOURCE_DATE_EPOCH'] ?? '';
  const seconds = given === '' ? await lastCommit(root) : Number(given);
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new Error(`SOURCE_DATE_EPOCH is "${given}": write seconds since 1970`);
  return new Date(seconds * 1000);
};

const lastCommit = async (root: string): Promise<number> => {
  const time = await run('git', ['-C', root, 'log', '-1', '--format=%ct']).catch(() => '');
  if (time !== '') return Number(time);
  return Math.floor((await stat(join(root, 'package-lock.json'))).mtimeMs / 1000);
};
