import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolderArchives } from '../../../src/adapters/document-store/folder-archives.ts';
import { createHttpArchives } from '../../../src/adapters/document-store/http-archives.ts';
import { DEFAULT_LIMITS } from '../../../src/hub/limits.ts';
import { bearer, createScene, PUBLISH, READ, SECRETS_WITH_READ, type Scene } from './scene.ts';

const never = new AbortController().signal;
const CONTENT = Buffer.alloc(300_000, 'archive ');
const pathOf = (content: Buffer): string =>
  `archives/${createHash('sha256').update(content).digest('hex')}.tar`;

describe.each(['a hub', 'a folder'])('archives in %s', (kind) => {
  let scene: Scene;
  let folder: string;
  let file: string;
  beforeAll(async () => {
    scene = await createScene();
    folder = await mkdtemp(join(tmpdir(), 'supercargo-archives-'));
    file = join(folder, 'file');
    await writeFile(file, CONTENT);
  });
  afterAll(async () => {
    await scene.end();
    await rm(folder, { recursive: true });
  });
  const storeOf = (authorization: string | undefined = `Bearer ${PUBLISH}`) =>
    kind === 'a folder'
      ? createFolderArchives(join(folder, 'store'))
      : createHttpArchives({ base: new URL(scene.url), authorization, tls: {} });

  it('are put, found and removed, and leave nothing half written', async () => {
    const [store, path] = [storeOf(), pathOf(CONTENT)];
    expect(await store.find(path, never)).toBeUndefined();
    await store.put(path, file, never);
    await store.put(path, file, never);
    const found = await store.find(path, never);
    expect(found?.bytes).toBe(CONTENT.length);
    expect(Math.abs((found?.modifiedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const home = kind === 'a folder' ? join(folder, 'store') : scene.folder;
    expect((await readFile(join(home, path))).equals(CONTENT)).toBe(true);
    expect(await readdir(join(home, 'archives'))).toEqual([path.slice('archives/'.length)]);
    await store.remove(path, never);
    await store.remove(path, never);
    expect(await store.find(path, never)).toBeUndefined();
  });

  it('say what is wrong where they cannot be written', async () => {
    const path = pathOf(CONTENT);
    await mkdir(join(folder, 'store'), { recursive: true });
    if (kind === 'a folder') {
      await rm(join(folder, 'store'), { recursive: true });
      await writeFile(join(folder, 'store'), 'a file');
    }
    await expect(storeOf('Bearer wrong').put(path, file, never)).rejects.toMatchObject({ code: 'STORE' });
  });
});

describe('a hub that keeps archives', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await createScene({
      secrets: SECRETS_WITH_READ,
      limits: { ...DEFAULT_LIMITS, archiveBytes: CONTENT.length },
    });
  });
  afterAll(async () => scene.end());
  const left = async (): Promise<readonly string[]> => [
    ...(await readdir(join(scene.folder, '.hub'))).filter((n) => n.endsWith('.tmp')),
    ...(await readdir(join(scene.folder, 'archives')).catch(() => [])),
  ];

  it.each<[string, string, Buffer, string, number]>([
    ['without a token', pathOf(CONTENT), CONTENT, '', 401],
    ['with the read token', pathOf(CONTENT), CONTENT, READ, 403],
    [
      'that is larger than the limit',
      pathOf(Buffer.alloc(CONTENT.length + 1)),
      Buffer.alloc(CONTENT.length + 1),
      PUBLISH,
      413,
    ],
    ['that is another one than its name says', pathOf(Buffer.from('other')), CONTENT, PUBLISH, 422],
    ['under another name', 'archives/web.tar', CONTENT, PUBLISH, 404],
    ['out of the folder', `archives/..%2f..%2f${'0'.repeat(64)}.tar`, CONTENT, PUBLISH, 404],
  ])('refuses one %s, and keeps nothing of it', async (_what, path, content, token, status) => {
    const answer = await scene.put(`/${path}`, content, token === '' ? {} : bearer(token));
    expect(answer.status).toBe(status);
    expect(await left()).toEqual([]);
  });

  it('takes an empty body for what it is', async () => {
    const empty = Buffer.alloc(0);
    expect((await scene.put(`/${pathOf(CONTENT)}`, empty, bearer(PUBLISH))).status).toBe(422);
    expect((await scene.put(`/${pathOf(empty)}`, empty, bearer(PUBLISH))).status).toBe(201);
    expect((await scene.remove(`/${pathOf(empty)}`, bearer(PUBLISH))).status).toBe(204);
  });

  it('keeps nothing of one whose sender is gone half way', async () => {
    const sent = request(`${scene.url}/${pathOf(CONTENT)}`, {
      method: 'PUT',
      headers: { ...bearer(PUBLISH), 'content-length': String(CONTENT.length) },
    });
    sent.on('error', () => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    sent.write(CONTENT.subarray(0, 1000), () => {
      sent.destroy();
      resolve();
    });
    await promise;
    await expect.poll(left).toEqual([]);
  });

  it('gives them to whoever may read manifests, with their length, and lists them', async () => {
    const path = pathOf(CONTENT);
    expect((await scene.put(`/${path}`, CONTENT, bearer(PUBLISH))).status).toBe(201);
    expect((await scene.put(`/${path}`, CONTENT, bearer(PUBLISH))).status).toBe(204);
    expect((await scene.get(`/${path}`)).status).toBe(401);
    const answer = await scene.get(`/${path}`, bearer(READ));
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(CONTENT.length)]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(CONTENT)).toBe(true);
    const listed = await scene.get('/archives/', bearer(READ));
    expect(await listed.json()).toEqual({
      apiVersion: 'supercargo/archives/v1',
      names: [path.slice('archives/'.length)],
    });
    expect((await scene.remove(`/${path}`, bearer(READ))).status).toBe(403);
    expect((await scene.remove(`/${path}`, bearer(PUBLISH))).status).toBe(204);
    expect((await scene.get(`/${path}`, bearer(READ))).status).toBe(404);
    expect(scene.events.map((e) => e.event)).toContain('archive.removed');
  });
});
