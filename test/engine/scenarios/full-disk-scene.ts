import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { runCommand } from '../../support/command.ts';
import type { Scene } from './scene.ts';

/** A state folder of half a megabyte, and what fills it to the last byte. */
export const createSmallDisk = async (
  scene: Scene,
): Promise<{ stateDir: string; fill: () => Promise<void>; free: () => Promise<void> }> => {
  const stateDir = join(scene.folder, 'small');
  const ballast = join(stateDir, 'ballast');
  await mkdir(stateDir);
  const mounted = await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=700', 'tmpfs', stateDir]);
  if (mounted.code !== 0) throw new Error(`mount: ${mounted.stderr}`);
  onTestFinished(async () => {
    await runCommand('umount', ['--lazy', stateDir]);
  });
  return {
    stateDir,
    fill: async () => {
      const filled = await writeFile(ballast, Buffer.alloc(1024 * 1024)).catch(
        (error: NodeJS.ErrnoException) => error.code,
      );
      expect(filled).toBe('ENOSPC');
    },
    free: () => rm(ballast),
  };
};
