import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetricsFile } from '../../../src/adapters/metrics-file.ts';

const createFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-metrics-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

describe('the metrics file', () => {
  it('is replaced whole, readable for everybody, and leaves nothing beside it', async () => {
    const folder = await createFolder();
    const file = createMetricsFile(join(folder, 'agent.prom'));
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    expect(await file.write('a 1\n')).toEqual({ ok: true });
    const { ino } = await stat(file.path);
    expect(await file.write('a 2\n')).toEqual({ ok: true });
    const after = await stat(file.path);
    expect([await readFile(file.path, 'utf8'), after.mode & 0o777]).toEqual(['a 2\n', 0o644]);
    expect(after.ino).not.toBe(ino);
    expect(await readdir(folder)).toEqual(['agent.prom']);
  });

  it('takes no notice of what a killed agent left, and follows no link', async () => {
    const folder = await createFolder();
    const victim = join(folder, 'victim');
    await writeFile(victim, 'untouched');
    await symlink(victim, join(folder, '.agent.prom.tmp'));
    const file = createMetricsFile(join(folder, 'agent.prom'));
    expect(await file.write('a 1\n')).toEqual({ ok: true });
    expect(await readFile(victim, 'utf8')).toBe('untouched');
    expect((await readdir(folder)).toSorted()).toEqual(['agent.prom', 'victim']);
  });

  it('tells a folder that is not there', async () => {
    const file = createMetricsFile(join(await createFolder(), 'none', 'agent.prom'));
    expect(await file.write('a 1\n')).toMatchObject({
      ok: false,
      error: { code: 'STATE_DIR', advice: expect.stringContaining('SUPERCARGO_METRICS_FILE') as string },
    });
  });
});
