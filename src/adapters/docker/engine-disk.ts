import { AgentError } from '../../core/errors.ts';
import type { DiskSpace } from '../../core/ports/engine.ts';
import { freeBytes } from '../../io/disk-space.ts';

/** The least free space for any pull, because a full disk harms running containers. */
export const LEAST_FREE_BYTES = 256 * 1024 * 1024;

export const freeSpaceIn = async (engineFolder: string | undefined): Promise<DiskSpace | undefined> => {
  if (engineFolder === undefined) return undefined;
  const free = await freeBytes(engineFolder).catch(() => undefined);
  return free === undefined ? undefined : { folder: engineFolder, freeBytes: free };
};

/**
 * Refuses a pull if the engine's disk is too full. Leaves the check to the engine if it is remote or this
 * user may not enter its folder.
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
