import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchPaths, type PathWatch } from '../../../../src/adapters/compose/watch-paths.ts';

const QUIET_MS = 40;
const place: { folder: string; readonly watches: PathWatch[] } = { folder: '', watches: [] };
const at = (...names: string[]): string => join(place.folder, ...names);

const start = (files: readonly string[], folders: readonly string[]) => {
  const onChange = vi.fn<() => void>();
  place.watches.push(watchPaths({ files, folders }, onChange, QUIET_MS));
  return onChange;
};

const closeAll = (): void => {
  for (const watch of place.watches.splice(0)) watch.close();
};

type Listener = ReturnType<typeof start>;

/** Waits until it was told, and forgets that. */
const isTold = async (onChange: Listener): Promise<boolean> => {
  await vi.waitUntil(() => onChange.mock.calls.length > 0, { timeout: 5000, interval: 10 });
  onChange.mockClear();
  return true;
};

beforeEach(async () => {
  place.folder = await mkdtemp(join(tmpdir(), 'watch-'));
});
afterEach(async () => {
  closeAll();
  await rm(place.folder, { recursive: true });
});

describe('watching', () => {
  it('tells once of many changes in a row', async () => {
    const onChange = start([], [place.folder]);
    for (let index = 0; index < 10; index += 1) writeFileSync(at(`${index}.yaml`), 'x');
    await vi.waitUntil(() => onChange.mock.calls.length > 0, { timeout: 5000, interval: 10 });
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('sees a file that is replaced by a rename, again and again', async () => {
    await writeFile(at('v.env'), '1');
    const onChange = start([at('v.env')], []);
    await writeFile(at('new'), '2');
    await rename(at('new'), at('v.env'));
    expect(await isTold(onChange)).toBe(true);
    await writeFile(at('new'), '3');
    await rename(at('new'), at('v.env'));
    expect(await isTold(onChange)).toBe(true);
  });

  it('does not tell of files that do not count', async () => {
    const onChange = start([at('v.env')], []);
    const other = start([at('other')], []);
    writeFileSync(at('.hidden.yaml'), '1');
    writeFileSync(at('other'), '1');
    expect(await isTold(other)).toBe(true);
    expect(onChange).not.toHaveBeenCalled();
  });

  it('sees a folder that appears later, goes away, and comes back', async () => {
    const onChange = start([], [place.folder, at('compose.d')]);
    const told: boolean[] = [];
    for (let round = 0; round < 2; round += 1) {
      await mkdir(at('compose.d'));
      told.push(await isTold(onChange));
      await writeFile(at('compose.d', 'a.yaml'), '1');
      told.push(await isTold(onChange));
      await rm(at('compose.d'), { recursive: true });
      told.push(await isTold(onChange));
    }
    expect(told).toEqual([true, true, true, true, true, true]);
  });

  it('survives folders that never were, and is silent when it is closed', async () => {
    const onChange = start([at('none', 'v.env')], [at('gone', 'deeper'), place.folder]);
    writeFileSync(at('a.yaml'), '1');
    closeAll();
    const other = start([], [place.folder]);
    writeFileSync(at('b.yaml'), '1');
    expect(await isTold(other)).toBe(true);
    expect(onChange).not.toHaveBeenCalled();
  });
});
