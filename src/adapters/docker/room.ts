import { statfs } from 'node:fs/promises';
import { AgentError } from '../../core/errors.ts';

/** Less than this is not enough for any pull; a pull that fills the disk would hurt what runs. */
export const LEAST_ROOM_BYTES = 256 * 1024 * 1024;

/**
 * Refuses a pull where the engine's disk has no room. Only where that disk can be looked at from here: a remote engine,
 * or a folder that this user may not enter, says by itself when it is full.
 * @throws AgentError DISK_FULL
 */
export const requireRoom = async (engineFolder: string | undefined, what: string): Promise<void> => {
  const space = engineFolder === undefined ? undefined : await statfs(engineFolder).catch(() => undefined);
  if (!space) return;
  const freeBytes = space.bavail * space.bsize;
  if (freeBytes >= LEAST_ROOM_BYTES) return;
  throw new AgentError(
    'DISK_FULL',
    `${what}: only ${mebibytes(freeBytes)} free in ${engineFolder ?? ''}, at least ${mebibytes(LEAST_ROOM_BYTES)} are needed`,
    {
      retry: 'later',
      advice: "free space on the engine's disk (docker system df); what runs stays meanwhile",
    },
  );
};

const mebibytes = (bytes: number): string => `${String(Math.floor(bytes / 1024 ** 2))} MiB`;
