import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePath } from '../../../src/io/make-path.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-path-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

describe('a folder', () => {
  it('is made with its parents, and says where that began', async () => {
    expect(await makePath(join(folder, 'a/b/c'), 0o750)).toBe(join(folder, 'a'));
    expect((await stat(join(folder, 'a/b/c'))).mode & 0o777).toBe(0o750);
    expect(await makePath(join(folder, 'a/b/d'))).toBe(join(folder, 'a/b/d'));
    expect(await makePath(join(folder, 'a/b'))).toBeUndefined();
  });

  it('is made once by many who make it at the same time', async () => {
    for (const path of ['x/y', 'z/y/w', 'v/u/t']) {
      const made = await Promise.all(Array.from({ length: 8 }, () => makePath(join(folder, path))));
      expect(made).toContain(join(folder, path.charAt(0)));
    }
  });

  it('is no file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(makePath(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makePath(join(folder, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it.each(['/proc/nope', '/proc/nope/below'])(
    'that the kernel cannot make fails instead of being tried for ever: %s',
    async (path) => {
      await expect(makePath(path)).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );
});
