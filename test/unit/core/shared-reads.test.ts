import { describe, expect, it } from 'vitest';
import { createSharedReads } from '../../../src/core/shared-reads.ts';

/** Reads that the test ends one by one. */
const scripted = () => {
  const open: { key: string; resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const read = createSharedReads(
    (key) => new Promise<string>((resolve, reject) => void open.push({ key, resolve, reject })),
  );
  return { open, read };
};

describe('shared reads', () => {
  it('give a caller that comes during a read the next one, together with all others', async () => {
    const { open, read } = scripted();
    const first = read('staging');
    const [second, third] = [read('staging'), read('staging')];
    open[0]?.resolve('old');
    expect(await first).toBe('old');
    await expect.poll(() => open.length).toBe(2);
    const fourth = read('staging');
    open[1]?.resolve('new');
    expect(await Promise.all([second, third])).toEqual(['new', 'new']);
    await expect.poll(() => open.length).toBe(3);
    open[2]?.resolve('newest');
    expect(await fourth).toBe('newest');
  });

  it('of different keys do not wait for each other', async () => {
    const { open, read } = scripted();
    const reads = [read('staging'), read('production')];
    expect(open.map(({ key }) => key)).toEqual(['staging', 'production']);
    for (const { key, resolve } of open) resolve(key);
    expect(await Promise.all(reads)).toEqual(['staging', 'production']);
  });

  it('give a failure to those who share it, and read again for the next', async () => {
    const { open, read } = scripted();
    const [first, second] = [read('staging'), read('staging')];
    open[0]?.reject(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await expect.poll(() => open.length).toBe(2);
    open[1]?.resolve('back');
    expect(await second).toBe('back');
  });
});
