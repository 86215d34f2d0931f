import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepTemporaries, writeDurably } from '../../../../src/adapters/state-dir/durable-file.ts';
import { stateDirError } from '../../../../src/adapters/state-dir/state-dir-error.ts';

describe('durable files', () => {
  const place = { folder: '' };
  beforeEach(async () => {
    place.folder = await mkdtemp(join(tmpdir(), 'durable-'));
  });
  afterEach(async () => {
    await rm(place.folder, { recursive: true, force: true });
  });

  it('creates and replaces a file with exactly the mode given', async () => {
    const path = join(place.folder, 'ledger.json');
    const before = process.umask(0o077);
    try {
      await writeDurably(path, 'one', 0o600);
      await writeDurably(path, Buffer.from('two'), 0o664);
    } finally {
      process.umask(before);
    }
    expect([
      await readFile(path, 'utf8'),
      (await stat(path)).mode & 0o777,
      await readdir(place.folder),
    ]).toEqual(['two', 0o664, ['ledger.json']]);
  });

  it('replaces: an open reader keeps the old content', async () => {
    const path = join(place.folder, 'a');
    await writeDurably(path, 'one', 0o600);
    const { ino } = await stat(path);
    await writeDurably(path, 'two', 0o600);
    expect((await stat(path)).ino).not.toBe(ino);
  });

  it('lets writers at the same time each write a whole file', async () => {
    const path = join(place.folder, 'a');
    const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(contents.map((content) => writeDurably(path, content, 0o600)));
    expect(contents).toContain(await readFile(path, 'utf8'));
    expect(await readdir(place.folder)).toEqual(['a']);
  });

  it('leaves no temporary file behind when it fails', async () => {
    const path = join(place.folder, 'taken');
    await mkdir(join(path, 'full'), { recursive: true });
    await expect(writeDurably(path, 'x', 0o600)).rejects.toMatchObject({ code: 'STATE_DIR' });
    expect(await readdir(place.folder)).toEqual(['taken']);
  });

  it('says that the folder is missing', async () => {
    const path = join(place.folder, 'none', 'a');
    await expect(writeDurably(path, 'x', 0o600)).rejects.toMatchObject({
      code: 'STATE_DIR',
      message: `cannot write ${path}: the folder does not exist`,
      advice: 'create the state folder, or name another one in SUPERCARGO_STATE_DIR',
    });
  });

  it('sweeps what a killed writer left, and nothing else', async () => {
    const stale = ['.ledger.json.0123456789abcdef.tmp', '.z.0123456789abcdef.tmp'];
    const others = ['.ledger.json.swp', 'ledger.json', 'x.tmp'];
    await Promise.all([...stale, ...others].map((name) => writeFile(join(place.folder, name), 'x')));
    expect(await sweepTemporaries(place.folder)).toEqual(stale);
    expect((await readdir(place.folder)).toSorted()).toEqual(others);
    expect(await sweepTemporaries(join(place.folder, 'none'))).toEqual([]);
  });

  it('does not sweep in a file', async () => {
    const path = join(place.folder, 'a');
    await writeFile(path, '');
    await expect(sweepTemporaries(path)).rejects.toMatchObject({ code: 'STATE_DIR' });
  });
});

describe('errors of the state folder', () => {
  it.each([
    ['ENOSPC', 'no space is left', 'later'],
    ['EDQUOT', 'no space is left', 'later'],
    ['EACCES', 'permission denied', 'changed'],
    ['EPERM', 'permission denied', 'changed'],
    ['EROFS', 'the file system is read-only', 'changed'],
    ['ENOENT', 'the folder does not exist', 'changed'],
    ['EIO', 'EIO: as the system says', 'later'],
  ])('%s', (code, words, retry) => {
    const cause = Object.assign(new Error(`${code}: as the system says`), { code });
    const error = stateDirError(cause, 'write /s/a');
    expect(error).toMatchObject({
      code: 'STATE_DIR',
      message: `cannot write /s/a: ${words}`,
      retry,
      cause,
      fields: { code },
    });
    expect(error.advice).toMatch(/disk|folder/);
  });
});
