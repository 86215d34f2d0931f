import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createJournal } from '../../../../src/adapters/state-dir/journal-file.ts';
import type { JournalEntry } from '../../../../src/core/ports/journal.ts';

const entry = (number: number): JournalEntry => ({
  at: '2026-11-23T10:00:00.000Z',
  event: 'release.started',
  number,
});
const numbers = (entries: readonly JournalEntry[]): unknown[] => entries.map((each) => each['number']);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('the journal', () => {
  const place = { folder: '', path: '', old: '' };
  beforeEach(async () => {
    place.folder = await mkdtemp(join(tmpdir(), 'journal-'));
    place.path = join(place.folder, 'history.jsonl');
    place.old = join(place.folder, 'history.1.jsonl');
  });
  afterEach(async () => {
    await rm(place.folder, { recursive: true, force: true });
  });

  it('is empty where nothing was written', async () => {
    expect(await createJournal({ path: place.path }).read()).toEqual([]);
  });

  it('keeps entries as they are, one line each, newest last', async () => {
    const journal = createJournal({ path: place.path });
    const entries = [entry(1), { ...entry(2), message: 'two\nlines' }];
    expect(await Promise.all(entries.map(journal.append))).toEqual([{ ok: true }, { ok: true }]);
    expect(await journal.read()).toEqual(entries);
    expect((await readFile(place.path, 'utf8')).split('\n')).toHaveLength(3);
  });

  it('gives the newest when fewer are asked for', async () => {
    const journal = createJournal({ path: place.path });
    await Promise.all(range(1, 5).map((number) => journal.append(entry(number))));
    expect([
      numbers(await journal.read(2)),
      numbers(await journal.read(0)),
      numbers(await journal.read(9)),
    ]).toEqual([[4, 5], [], range(1, 5)]);
  });

  it.each([
    ['half a line', '{"at":"2026-11-23T10:00:00.000Z","event":"rel'],
    ['garbage', '\0\0\0\0\n'],
    ['JSON that is no entry', '[1]\nnull\n{"at":1,"event":"x"}\n{"event":"x"}\n'],
    ['empty lines', '\n\n'],
  ])('leaves out %s and loses nothing around it', async (_, garbage) => {
    const journal = createJournal({ path: place.path });
    await journal.append(entry(1));
    await appendFile(place.path, garbage);
    await journal.append(entry(2));
    expect(await journal.read()).toEqual([entry(1), entry(2)]);
  });

  it('sets a full file aside, keeps one old file and stays within its bounds', async () => {
    const maxBytes = 400;
    const journal = createJournal({ path: place.path, maxBytes });
    for (const number of range(1, 30)) await journal.append(entry(number));
    const sizes = await Promise.all([place.path, place.old].map(async (path) => (await stat(path)).size));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxBytes);
    const kept = numbers(await journal.read());
    expect(kept.length).toBeGreaterThan(5);
    expect(kept).toEqual(range(31 - kept.length, 30));
  });

  it('keeps an entry that alone is larger than a file may be', async () => {
    const journal = createJournal({ path: place.path, maxBytes: 100 });
    const large = { ...entry(2), message: 'x'.repeat(500) };
    for (const each of [entry(1), large, entry(3)]) await journal.append(each);
    expect(await journal.read()).toEqual([large, entry(3)]);
  });

  it('returns a value where it cannot be written, and works again later', async () => {
    const path = join(place.folder, 'none', 'history.jsonl');
    const journal = createJournal({ path });
    expect(await journal.append(entry(1))).toMatchObject({ ok: false, error: { code: 'STATE_DIR' } });
    await mkdir(join(place.folder, 'none'));
    expect(await journal.append(entry(2))).toEqual({ ok: true });
    expect(await journal.read()).toEqual([entry(2)]);
  });

  it('returns a value for an entry that is not JSON', async () => {
    const journal = createJournal({ path: place.path });
    expect(await journal.append({ ...entry(1), size: 1n })).toMatchObject({ ok: false });
  });

  it('says that it cannot be read', async () => {
    await mkdir(place.path);
    await expect(createJournal({ path: place.path }).read()).rejects.toMatchObject({ code: 'STATE_DIR' });
  });

  it('reads any bytes without throwing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await writeFile(place.path, bytes);
        const journal = createJournal({ path: place.path });
        await journal.append(entry(1));
        expect((await journal.read()).at(-1)).toEqual(entry(1));
      }),
      { numRuns: 30 },
    );
  });
});
