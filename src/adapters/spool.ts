import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AgentError } from '../core/errors.ts';
import type { Digest } from '../core/image/reference.ts';
import type { Spool } from '../core/ports/spool.ts';
import { freeBytes } from '../io/disk-space.ts';

/** Left free for other programs. */
const RESERVE_BYTES = 64 * 1024 * 1024;

const mebibytes = (bytes: number): string => `${String(Math.ceil(bytes / 1024 ** 2))} MiB`;

const requireDiskSpace = async (folder: string, bytes: number): Promise<void> => {
  const free = await freeBytes(folder);
  if (free >= bytes + RESERVE_BYTES) return;
  throw new AgentError(
    'DISK_FULL',
    `${folder} has ${mebibytes(free)} free, and the archive needs ${mebibytes(bytes + RESERVE_BYTES)}`,
    { advice: 'free space there, or name another folder in TMPDIR' },
  );
};

export const createSpool = (folder: string): Spool => ({
  keep: async (content, bytes, signal) => {
    await requireDiskSpace(folder, bytes);
    const own = await mkdtemp(join(folder, 'supercargo-archive-'));
    const dispose = (): Promise<void> => rm(own, { recursive: true, force: true });
    const file = join(own, 'archive.tar');
    const hash = createHash('sha256');
    async function* hashed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        hash.update(chunk);
        yield chunk;
      }
    }
    try {
      await pipeline(content, hashed, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
      const digest = `sha256:${hash.digest('hex')}` as Digest;
      return { file, digest, bytes: (await stat(file)).size, dispose };
    } catch (error) {
      await dispose();
      throw error;
    }
  },
});
