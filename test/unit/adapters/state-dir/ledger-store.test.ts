import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedgerStore } from '../../../../src/adapters/state-dir/ledger-store.ts';
import { emptyLedger, type Ledger, withService } from '../../../../src/core/state/ledger.ts';
import { runCommand } from '../../../support/command.ts';
import { releaseOf } from '../../../support/release-of.ts';

const place = { folder: '' };
const pathOf = (): string => join(place.folder, 'ledger.json');
const storeOf = (environment = 'test') => createLedgerStore(pathOf(), environment);

const release = releaseOf('environment: {A: "ü \\u2028"}');
const imageId = release.image.imageId ?? (`sha256:${'0'.repeat(64)}` as const);
const good = [{ release, imageId: imageId as never, goodAtMs: 1, completed: false }];
const ledger: Ledger = withService(withService(emptyLedger('test'), 'web', { good }), '7', { good: [] });

beforeEach(async () => {
  place.folder = await mkdtemp(join(tmpdir(), 'supercargo-ledger-'));
});
afterEach(async () => {
  await rm(place.folder, { recursive: true });
});

describe('the ledger’s file', () => {
  it('is read as it was written', async () => {
    await storeOf().write(ledger);
    expect(await storeOf().read()).toEqual({ kind: 'ok', ledger });
  });

  it('is missing on a new host', async () => {
    expect(await storeOf().read()).toEqual({ kind: 'missing' });
  });

  it('is not written where its folder is missing', async () => {
    const path = join(place.folder, 'none', 'ledger.json');
    await expect(createLedgerStore(path, 'test').write(ledger)).rejects.toMatchObject({
      code: 'STATE_DIR',
      message: `cannot write ${path}: the folder does not exist`,
      advice: 'create the state folder, or name another one in SUPERCARGO_STATE_DIR',
    });
  });

  it.each([
    ['a pipe', async (path: string) => runCommand('mkfifo', [path]), 'it is not a regular file'],
    ['a device', async (path: string) => symlink('/dev/zero', path), 'it is not a regular file'],
    ['a folder', async (path: string) => mkdir(path), 'it is a folder'],
    [
      'larger than any',
      async (path: string) => writeFile(path, '').then(() => truncate(path, 2 ** 29)),
      'it is larger than 256 MiB',
    ],
  ])('is not read if it is %s', async (_what, make, message) => {
    await make(pathOf());
    expect(await storeOf().read()).toEqual({ kind: 'unreadable', message });
  });

  it('of another environment is not used', async () => {
    await storeOf().write(ledger);
    expect(await storeOf('production').read()).toEqual({ kind: 'foreign', environment: '"test"' });
  });

  it.each<[string, (text: string) => string]>([
    ['a good release is a number', (t) => t.replace('"good":[{', '"good":[1,{')],
    ['a port list is text', (t) => t.replace('"ports":[]', '"ports":"x"')],
    ['a digit flipped', (t) => t.replace('"goodAtMs":1', '"goodAtMs":3')],
    ['a member was added', (t) => t.replace('"tags":{}', '"tags":{},"hold":5')],
    ['a letter of the environment flipped', (t) => t.replace('"environment":"test"', '"environment":"tesu"')],
    ['the checksum is gone', (t) => t.replace(/,"sha256":"[0-9a-f]{64}"/, '')],
  ])('is not used where %s', async (_what, change) => {
    await storeOf().write(ledger);
    const text = await readFile(pathOf(), 'utf8');
    const changed = change(text);
    expect(changed).not.toBe(text);
    await writeFile(pathOf(), changed);
    expect(await storeOf().read()).toEqual({
      kind: 'unreadable',
      message: 'it is damaged, or was changed by hand: its checksum is wrong',
    });
  });
});
