import { execFile } from 'node:child_process';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DOCUMENT_CAP_BYTES } from '../../../../src/core/manifest/accept.ts';
import { documentOf, errorOf, failure, sourceOf, UNCHANGED } from './fetched.ts';
import { createFolder, writeText } from './server.ts';

describe('a manifest in a file', () => {
  it('is read, then unchanged, then read again when its content changes', async () => {
    const folder = await createFolder();
    const path = await writeText(folder, 'a manifest.json', 'first');
    const fetchNow = sourceOf(pathToFileURL(path).href);
    expect([await fetchNow(), await fetchNow()]).toEqual([documentOf('first'), UNCHANGED]);
    await rename(await writeText(folder, 'new', 'second'), path);
    expect([await fetchNow(), await fetchNow()]).toEqual([documentOf('second'), UNCHANGED]);
    await writeText(folder, 'a manifest.json', '');
    expect(await fetchNow()).toEqual(documentOf(''));
  });

  it('is cut one byte past the cap', async () => {
    const path = await writeText(await createFolder(), 'm', 'x'.repeat(3 * DOCUMENT_CAP_BYTES));
    const bytes = Buffer.alloc(DOCUMENT_CAP_BYTES + 1, 'x');
    expect(await sourceOf(pathToFileURL(path).href)()).toEqual({ kind: 'document', bytes });
  });

  it('fails while it is missing, and is unchanged when the same one is back', async () => {
    const folder = await createFolder();
    const path = await writeText(folder, 'm', 'body');
    const fetchNow = sourceOf(pathToFileURL(path).href);
    await fetchNow();
    await rm(path);
    const fetched = await fetchNow();
    expect(fetched).toMatchObject(failure('MANIFEST_UNREACHABLE', /no manifest is published there yet$/));
    const error = errorOf(fetched);
    expect(error.retry).toBe('later');
    await writeText(folder, 'm', 'body');
    expect(await fetchNow()).toEqual(UNCHANGED);
  });

  it('fails where it is a folder, a pipe that nobody writes to, or an endless device', async () => {
    const folder = await createFolder();
    await mkdir(join(folder, 'folder'));
    await promisify(execFile)('mkfifo', [join(folder, 'pipe')]);
    for (const path of [join(folder, 'folder'), join(folder, 'pipe'), '/dev/zero']) {
      expect(await sourceOf(pathToFileURL(path).href)()).toMatchObject(
        failure('MANIFEST_UNREACHABLE', /it is not a file$/),
      );
    }
  });

  it('is not read when the agent ends', async () => {
    const path = await writeText(await createFolder(), 'm', 'body');
    const fetching = sourceOf(pathToFileURL(path).href)(AbortSignal.abort(new Error('the agent ends')));
    await expect(fetching).rejects.toThrow('the agent ends');
  });
});
