import { AgentError } from '../../core/errors.ts';
import type { DiskSpace } from '../../core/ports/engine.ts';
import { freeBytes } from '../../io/disk-space.ts';

/** Less than this is not enough for any pull; a pull that fills the disk would hurt what runs. */
export const LEAST_FREE_BYTES = 256 * 1024 * 1024;

export const freeSpaceIn = async (engineFolder: string | undefined): Promise<DiskSpace | undefined> => {
  if (engineFolder === undefined) return undefined;
  const free = await freeBytes(engineFolder).catch(() => undefined);
  return free === undefined ? undefined : { folder: engineFolder, freeBytes: free };
};

/**
 * Refuses a pull where the engine's disk has no room. Only where that disk can be looked at from here: a
 * remote engine, or a folder that this user may not enter, says by itself when it is full.
 * @throws AgentError DISK_FULL
 */
export const requireDiskSpace = async (
  engineFolder: string | undefined,
  what: string,
  wantedBytes = 0,
): Promise<void> => {
  const room = await freeSpaceIn(engineFolder);
  const needed = LEAST_FREE_BYTES + wantedBytes;
  if (!room || room.freeBytes >= needed) return;
  throw new AgentError(
    'DISK_FULL',
    `${what}: only ${mebibytes(room.freeBytes)} free in ${room.folder}, but ${mebibytes(needed)} are needed`,
    {
      retry: 'later',
      advice: "free space on the engine's disk (docker system df); what runs stays meanwhile",
    },
  );
};

const mebibytes = (bytes: number): string => `${String(Math.floor(bytes / 1024 ** 2))} MiB`;
