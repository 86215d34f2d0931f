import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { isLocked, WORK_FOLDER } from '../../adapters/hub-files/hub-folder.ts';
import { freeBytes } from '../../io/disk-space.ts';
import { isThere } from '../../io/durable-file.ts';
import { formatBytes } from '../terminal/units.ts';
import { bad, hint, ok, type Check } from './check.ts';

/** Archives leave 256 MiB for everything else. */
const MIN_BYTES = 256 * 1024 ** 2;
const FEW_BYTES = 1024 ** 3;

const spaceCheck = (data: string, free: number): Check => {
  const message = `${data}, ${formatBytes(free)} free`;
  if (free < MIN_BYTES) return bad('folder', message, 'free space: the hub needs it for every write');
  return free < FEW_BYTES
    ? hint('folder', message, 'free space, most of all for archives')
    : ok('folder', message);
};

/** @param holdsAll whether manifests, reports and turns are in it, and not only archives */
export const checkHubFolder = async (data: string, holdsAll: boolean): Promise<readonly Check[]> => {
  if (!(await isThere(data)))
    return [hint('folder', `${data} does not exist`, 'the hub makes it at its start; or correct --data')];
  try {
    await access(data, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [
      bad(
        'folder',
        `${data} cannot be written by this user`,
        'give it to the user of the hub, or correct --data',
      ),
    ];
  }
  const space = spaceCheck(data, await freeBytes(data));
  if (!holdsAll) return [space];
  return (await isLocked(join(data, WORK_FOLDER)))
    ? [space, ok('lock', 'a hub is at work in the folder')]
    : [space, ok('lock', 'no hub is at work in the folder')];
};
