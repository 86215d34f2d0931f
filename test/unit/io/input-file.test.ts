import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../support/command.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskHangs, hasHungCalls, withinDeadline } from '../../../src/io/disk-wait.ts';
import { readInputFile, readInputFileNow, unreadOf } from '../../../src/io/input-file.ts';

const folderOfTest = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'input-'));
  onTestFinished(async () => rm(folder, { recursive: true }));
  return folder;
};

const NO_FILE = { kind: 'unusable', message: 'is not a regular file' };
const TOO_LARGE = { kind: 'unusable', message: 'is larger than 1 KiB' };

const CASES: readonly (readonly [string, (folder: string) => Promise<string>, unknown])[] = [
  [
    'a FIFO',
    async (f) => Promise.resolve(runCommand('mkfifo', [join(f, 'x')])).then(() => join(f, 'x')),
    NO_FILE,
  ],
  ['a folder', async (f) => mkdir(join(f, 'x')).then(() => join(f, 'x')), NO_FILE],
  ['a device without an end', async () => Promise.resolve('/dev/zero'), NO_FILE],
  [
    'a large file',
    async (f) => writeFile(join(f, 'x'), Buffer.alloc(1_025)).then(() => join(f, 'x')),
    TOO_LARGE,
  ],
  ['a file of /proc that says it is empty', async () => Promise.resolve('/proc/kallsyms'), TOO_LARGE],
  [
    'links in a ring',
    async (f) => symlink(join(f, 'x'), join(f, 'x')).then(() => join(f, 'x')),
    { kind: 'unusable', message: 'cannot be read: too many symbolic links encountered (ELOOP)' },
  ],
  ['nothing', async (f) => Promise.resolve(join(f, 'x')), { kind: 'missing' }],
  [
    'a name that is none',
    async (f) => Promise.resolve(join(f, 'x'.repeat(300))),
    { kind: 'unusable', message: 'cannot be read: name too long (ENAMETOOLONG)' },
  ],
];

describe('a file that others write', () => {
  it.each(CASES)('is not read where there is %s', async (_, make, expected) => {
    const path = await make(await folderOfTest());
    expect(await readInputFile(path, 1_024)).toEqual(expected);
    expect(readInputFileNow(path, 1_024)).toEqual(expected);
  });

  it('is read to its end, up to the last byte that is allowed', async () => {
    const path = join(await folderOfTest(), 'x');
    const bytes = Buffer.alloc(200_000, 'abc');
    await writeFile(path, bytes);
    expect(await readInputFile(path, 200_000)).toEqual({ kind: 'bytes', bytes });
    expect(readInputFileNow(path, 200_000)).toEqual({ kind: 'bytes', bytes });
  });
});

const hang = (path: string): { asked: Promise<unknown>; end: () => void; calls: () => number } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  const ask = (): Promise<void> => {
    calls += 1;
    return promise;
  };
  return { asked: withinDeadline(path, ask, undefined, 5), end: resolve, calls: () => calls };
};

describe('a file system that does not answer', () => {
  it('is given up after the deadline, and not asked again for that path before it has answered', async () => {
    const first = hang('/a');
    await expect(first.asked).rejects.toThrow(DiskHangs);
    expect(hasHungCalls()).toBe(true);
    const second = hang('/a');
    await expect(second.asked).rejects.toThrow(DiskHangs);
    expect(second.calls()).toBe(0);
    expect(unreadOf(await second.asked.catch((error: unknown) => error))).toEqual({
      kind: 'unusable',
      message: 'cannot be read: its disk does not answer',
      hangs: true,
    });
    first.end();
    await expect.poll(hasHungCalls).toBe(false);
    expect(await withinDeadline('/a', () => Promise.resolve('read'))).toBe('read');
  });

  it('is asked again for a path as soon as something else stands there', async () => {
    const folder = await folderOfTest();
    const path = join(folder, 'replaced');
    const other = join(folder, 'other');
    for (const [name, text] of [
      [path, 'hangs'],
      [other, 'answers'],
    ] as const)
      await writeFile(name, text);
    const { promise, resolve } = Promise.withResolvers<void>();
    await expect(withinDeadline(path, () => promise, undefined, 300)).rejects.toThrow(DiskHangs);
    expect(await readInputFile(path, 100)).toMatchObject({ kind: 'unusable', hangs: true });
    await rename(other, path);
    expect(await readInputFile(path, 100)).toEqual({ kind: 'bytes', bytes: Buffer.from('answers') });
    resolve();
    await expect.poll(hasHungCalls).toBe(false);
  });

  it('takes three threads at most, so that one is left', async () => {
    const three = ['/a', '/b', '/c'].map(hang);
    for (const { asked } of three) await expect(asked).rejects.toThrow(DiskHangs);
    const fourth = hang('/d');
    await expect(fourth.asked).rejects.toThrow(DiskHangs);
    expect(fourth.calls()).toBe(0);
    for (const { end } of three) end();
    await expect.poll(hasHungCalls).toBe(false);
  });

  it('is waited for no longer than the signal allows', async () => {
    const ended = new AbortController();
    const asked = withinDeadline('/a', () => new Promise(() => undefined), ended.signal);
    ended.abort(new Error('the end'));
    await expect(asked).rejects.toThrow('the end');
  });
});
