import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHubArchives } from '../../../../src/adapters/hub-files/hub-archives.ts';
import { openHubFiles } from '../../../../src/adapters/hub-files/hub-files.ts';
import type { Digest } from '../../../../src/core/image/reference.ts';

const place = { folder: '' };
beforeEach(async () => {
  place.folder = await mkdtemp(join(tmpdir(), 'hub-archives-'));
  await (await openHubFiles(place.folder)).close();
});
afterEach(async () => {
  await rm(place.folder, { recursive: true });
});

const CONTENT = Buffer.alloc(800, 'x');
const DIGEST = `sha256:${createHash('sha256').update(CONTENT).digest('hex')}` as Digest;

it('counts what other archives under way will still need', async () => {
  const archives = createHubArchives(place.folder, () => Promise.resolve(256 * 1024 ** 2 + 1000));
  const gate = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield CONTENT.subarray(0, 100);
    await gate.promise;
    yield CONTENT.subarray(100);
  }
  const announced = { digest: DIGEST, bytes: CONTENT.length };
  const first = archives.receive('a.tar', slow(), announced);
  const second = archives.receive('b.tar', slow(), announced);
  await expect(second).rejects.toMatchObject({ code: 'STORE', fields: { code: 'ENOSPC' } });
  gate.resolve();
  expect(await first).toBe('written');
  expect(await archives.receive('b.tar', slow(), announced)).toBe('written');
  expect(await archives.receive('c.tar', slow(), { ...announced, bytes: 700 })).toBe('mismatch');
  expect(await archives.receive('c.tar', slow(), announced)).toBe('written');
});
