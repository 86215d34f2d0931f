import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHubFiles, type OpenHubFiles } from '../../../../src/adapters/hub-files/hub-files.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('the files of a hub', () => {
  let folder = '';
  const opened: OpenHubFiles[] = [];
  const open = async (path = folder): Promise<OpenHubFiles> => {
    const files = await openHubFiles(path);
    opened.push(files);
    return files;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supercargo-hub-files-'));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((files) => files.close()));
    await rm(folder, { recursive: true, force: true });
  });

  it('are there after they were written, in folders that are made', async () => {
    const files = await open(join(folder, 'new', 'hub'));
    const results = await files.apply([
      { path: 'manifests/staging.json', bytes: bytes('one') },
      { path: 'manifests/staging/1.json', bytes: bytes('two') },
    ]);
    expect(results).toEqual([undefined, undefined]);
    expect(await files.read('manifests/staging.json')).toEqual(bytes('one'));
    expect(await readFile(join(folder, 'new/hub/manifests/staging/1.json'), 'utf8')).toBe('two');
    expect((await stat(join(folder, 'new/hub/manifests/staging.json'))).mode & 0o007).toBe(0);
  });

  it('are replaced, removed and listed; what is not there is no error', async () => {
    const files = await open();
    await files.apply([{ path: 'reports/staging/web-1.json', bytes: bytes('1') }]);
    await files.apply([{ path: 'reports/staging/web-1.json', bytes: bytes('2') }]);
    await files.apply([{ path: 'reports/staging/.hidden.json', bytes: bytes('3') }]);
    expect(await files.list('reports')).toMatchObject([{ name: 'staging', kind: 'folder' }]);
    expect(await files.list('reports/staging')).toMatchObject([{ name: 'web-1.json', kind: 'file' }]);
    expect(await files.apply([{ path: 'reports/staging/web-1.json', bytes: undefined }])).toEqual([
      undefined,
    ]);
    expect(await files.apply([{ path: 'reports/staging/web-1.json', bytes: undefined }])).toEqual([
      undefined,
    ]);
    expect(await files.read('reports/staging/web-1.json')).toBeUndefined();
    expect(await files.read('reports/nowhere/web-1.json')).toBeUndefined();
    expect(await files.list('reports/nowhere')).toEqual([]);
  });

  it('fail one by one, and leave nothing half written', async () => {
    const files = await open();
    await rm(join(folder, 'manifests'), { recursive: true });
    await writeFile(join(folder, 'manifests'), 'a file where a folder is needed');
    const [failed, written] = await files.apply([
      { path: 'manifests/staging.json', bytes: bytes('x') },
      { path: 'reports/staging/web-1.json', bytes: bytes('y') },
    ]);
    expect(failed).toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('manifests/staging.json'),
    });
    expect(written).toBeUndefined();
    expect(await readdir(join(folder, '.hub'))).toEqual(['lock']);
  });

  it('are cleaned of what a killed hub left half written', async () => {
    await (await open()).close();
    opened.splice(0);
    await writeFile(join(folder, '.hub', '0011223344556677.tmp'), 'half');
    await open();
    expect(await readdir(join(folder, '.hub'))).toEqual(['lock']);
  });

  it('belong to one hub at a time, and to the next one when that is gone', async () => {
    const first = await open();
    await expect(openHubFiles(folder)).rejects.toMatchObject({
      code: 'STORE',
      message: `another hub is at work in ${folder}`,
    });
    await first.close();
    opened.splice(0);
    await open();
  });

  it('say what to do where the folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openHubFiles(join(folder, 'file', 'hub'))).rejects.toMatchObject({ code: 'STORE' });
  });
});
