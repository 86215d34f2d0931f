import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile, sweepTemporaries, writeNew } from '../../../src/io/durable-file.ts';

async function* broken(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from('two'));
  throw new Error('it broke off');
}

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
      await replaceFile(path, 'one', { mode: 0o600 });
      await replaceFile(path, Buffer.from('two'), { mode: 0o664 });
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
    await replaceFile(path, 'one', { mode: 0o600 });
    const { ino } = await stat(path);
    await replaceFile(path, 'two', { mode: 0o600 });
    expect((await stat(path)).ino).not.toBe(ino);
  });

  it('lets writers at the same time each write a whole file', async () => {
    const path = join(place.folder, 'a');
    const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(contents.map((content) => replaceFile(path, content, { mode: 0o600 })));
    expect(contents).toContain(await readFile(path, 'utf8'));
    expect(await readdir(place.folder)).toEqual(['a']);
  });

  it('leaves no temporary file behind when it fails', async () => {
    const path = join(place.folder, 'taken');
    await mkdir(join(path, 'full'), { recursive: true });
    await expect(replaceFile(path, 'x', { mode: 0o600 })).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await readdir(place.folder)).toEqual(['taken']);
  });

  it('leaves the old content where its new one breaks off, or is given up', async () => {
    const path = join(place.folder, 'a');
    await replaceFile(path, 'one', { mode: 0o600 });
    await expect(replaceFile(path, broken(), { mode: 0o600 })).rejects.toThrow('it broke off');
    const signal = AbortSignal.abort(new Error('given up'));
    await expect(replaceFile(path, 'three', { mode: 0o600, signal })).rejects.toThrow('aborted');
    expect([await readFile(path, 'utf8'), await readdir(place.folder)]).toEqual(['one', ['a']]);
  });

  it('follows no link that stands in place of a new file', async () => {
    const [victim, path] = [join(place.folder, 'victim'), join(place.folder, 'a')];
    await writeFile(victim, 'untouched');
    await symlink(victim, path);
    await writeNew(path, 'new', { mode: 0o600 });
    expect([await readFile(victim, 'utf8'), await readFile(path, 'utf8')]).toEqual(['untouched', 'new']);
  });

  it('sweeps what a killed writer left, and nothing else', async () => {
    const stale = ['.ledger.json.0123456789abcdef.tmp', '.z.0123456789abcdef.tmp', '0123456789abcdef.tmp'];
    const others = ['.ledger.json.swp', 'ledger.json', 'x.tmp'];
    await Promise.all([...stale, ...others].map((name) => writeFile(join(place.folder, name), 'x')));
    expect(await sweepTemporaries(place.folder)).toEqual(stale);
    expect((await readdir(place.folder)).toSorted()).toEqual(others);
    expect(await sweepTemporaries(join(place.folder, 'none'))).toEqual([]);
  });

  it('leaves what another writer may still write', async () => {
    const [old, fresh] = ['.old.0123456789abcdef.tmp', '.new.0123456789abcdef.tmp'];
    await Promise.all([old, fresh].map((name) => writeFile(join(place.folder, name), 'x')));
    await utimes(join(place.folder, old), 1000, 1000);
    expect(await sweepTemporaries(place.folder, (atMs) => atMs < 2_000_000)).toEqual([old]);
    expect(await readdir(place.folder)).toEqual([fresh]);
  });

  it('does not sweep in a file', async () => {
    const path = join(place.folder, 'a');
    await writeFile(path, '');
    await expect(sweepTemporaries(path)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
