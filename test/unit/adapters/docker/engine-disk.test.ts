import { describe, expect, it } from 'vitest';
import { requireDiskSpace, freeSpaceIn } from '../../../../src/adapters/docker/engine-disk.ts';

describe('the room for a pull', () => {
  it('is told with the folder that it is in', async () => {
    expect(await freeSpaceIn('/proc')).toEqual({ folder: '/proc', freeBytes: 0 });
    expect(await freeSpaceIn('/proc/no-such-folder')).toBeUndefined();
  });

  it('is looked for before the pull, and its lack says what to do', async () => {
    // A file system of the kernel's own never has any.
    await expect(requireDiskSpace('/proc', 'cannot pull')).rejects.toMatchObject({
      code: 'DISK_FULL',
      retry: 'later',
      message: 'cannot pull: only 0 MiB free in /proc, but 256 MiB are needed',
      advice: expect.stringContaining('docker system df') as string,
    });
  });

  it.each([
    ['the engine is another machine’s', undefined],
    ['its folder cannot be looked at', '/proc/no-such-folder'],
  ])('is the engine’s own business where %s', async (_what, folder) => {
    await expect(requireDiskSpace(folder, 'cannot pull')).resolves.toBeUndefined();
  });
});
