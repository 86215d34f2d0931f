import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Trust } from '../../../src/core/manifest/manifest.ts';
import { DEFAULT_LIMITS } from '../../../src/hub/limits.ts';
import { seal } from '../../../src/core/manifest/seal.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { FileChange, HubFiles } from '../../../src/core/ports/hub-files.ts';
import { bearer, manifestText, PUBLISH, type Scene, scene } from './scene.ts';

const errorOf = async (response: Response): Promise<{ status: number; code: string; message: string }> => {
  const { error } = (await response.json()) as { error: { code: string; message: string; advice: string } };
  expect(error.advice.length).toBeGreaterThan(5);
  return { status: response.status, code: error.code, message: error.message };
};

describe('publishing to a hub', () => {
  it('is 201 the first time and 204 after, each with a strong tag, and readable by everybody', async () => {
    const hub = await scene();
    const first = await hub.publish('staging', 1);
    expect(first.status).toBe(201);
    expect(first.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/);
    const second = await hub.publish('staging', 2);
    expect(second.status).toBe(204);
    const read = await hub.get('/manifests/staging.json');
    expect(await read.text()).toBe(manifestText('staging', 2));
    expect(read.headers.get('etag')).toBe(second.headers.get('etag'));
    expect(read.headers.get('cache-control')).toBe('no-cache');
    const head = await fetch(`${hub.url}/manifests/staging.json`, { method: 'HEAD' });
    expect([head.status, head.headers.get('etag')]).toEqual([200, second.headers.get('etag')]);
  });

  it('writes the history by itself', async () => {
    const hub = await scene();
    await hub.publish('staging', 4);
    await hub.publish('staging', 17);
    expect(await (await hub.get('/manifests/staging/')).json()).toEqual({
      apiVersion: 'supercargo/serials/v1',
      environment: 'staging',
      names: ['4.json', '17.json'],
    });
    expect(await (await hub.get('/manifests/staging/4.json')).text()).toBe(manifestText('staging', 4));
    expect(await (await hub.get('/manifests/')).json()).toMatchObject({ environments: ['staging'] });
    expect(await readdir(join(hub.folder, 'manifests'))).toEqual(['staging', 'staging.json']);
  });

  it('again with the same bytes is done already, whatever the condition says', async () => {
    const hub = await scene();
    await hub.publish('staging', 1);
    const all: Record<string, string>[] = [{}, { 'if-none-match': '*' }, { 'if-match': '"something else"' }];
    for (const headers of all) {
      const again = await hub.publish('staging', 1, headers);
      expect(again.status).toBe(204);
      expect(again.headers.get('etag')).toMatch(/^"/);
    }
  });

  it.each([
    ['If-None-Match: * where there is one', { 'if-none-match': '*' }],
    ['If-Match with an older tag', { 'if-match': '"0000"' }],
    ['If-Match with a weak tag', { 'if-match': 'W/"0000"' }],
    ['If-Match that is no tag', { 'if-match': 'nonsense' }],
  ])('with %s is 412', async (_what, headers) => {
    const hub = await scene();
    await hub.publish('staging', 1);
    expect(await errorOf(await hub.publish('staging', 2, headers as Record<string, string>))).toMatchObject({
      status: 412,
    });
    expect(await (await hub.get('/manifests/staging.json')).text()).toBe(manifestText('staging', 1));
  });

  it('with If-Match where there is none is 412, with the right tag it is done', async () => {
    const hub = await scene();
    expect((await hub.publish('staging', 1, { 'if-match': '*' })).status).toBe(412);
    const first = await hub.publish('staging', 1, { 'if-none-match': '*' });
    const next = { 'if-match': first.headers.get('etag') ?? '' };
    expect((await hub.publish('staging', 2, next)).status).toBe(204);
  });

  it('of two at once with the same condition exactly one is done', async () => {
    const hub = await scene();
    const tag = (await hub.publish('staging', 1)).headers.get('etag') ?? '';
    const answers = await Promise.all(
      [2, 3, 4, 5].map((serial) => hub.publish('staging', serial, { 'if-match': tag })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 412, 412, 412]);
    expect(await (await hub.get('/manifests/staging/')).json()).toMatchObject({ names: { length: 2 } });
  });

  it('needs a serial above the current one and above all in the history', async () => {
    const hub = await scene();
    await hub.publish('staging', 7);
    for (const body of [manifestText('staging', 7, 'other:1'), manifestText('staging', 6)])
      expect(await errorOf(await hub.put('/manifests/staging.json', body))).toMatchObject({
        status: 409,
        code: 'conflict',
      });
    await hub.stop();
    await writeFile(join(hub.folder, 'manifests/staging.json'), manifestText('staging', 3));
    await hub.restart();
    expect(await errorOf(await hub.publish('staging', 5))).toMatchObject({
      status: 409,
      message: expect.stringContaining('not above 7'),
    });
    expect((await hub.publish('staging', 8)).status).toBe(204);
  });

  it.each([
    ['nothing', '', 400, 'empty'],
    ['no JSON', '{"apiVersion"', 400, 'malformed'],
    ['no UTF-8', Buffer.from([0xff, 0xfe, 0x00]), 400, 'malformed'],
    ['another environment', manifestText('production', 1), 422, 'environment'],
    [
      'an unknown member',
      JSON.stringify({ ...JSON.parse(manifestText('staging', 1)), extra: 1 }),
      422,
      'schema',
    ],
    ['serial 0', manifestText('staging', 0), 422, 'schema'],
    [
      'an expired one',
      JSON.stringify({ ...JSON.parse(manifestText('staging', 1)), expiresAt: '2026-11-23T10:00:01Z' }),
      422,
      'expired',
    ],
    [
      'a foreign envelope',
      JSON.stringify({ payload: '', payloadType: 'x', signatures: [] }),
      400,
      'malformed',
    ],
    ['more than 256 KiB', 'x'.repeat(256 * 1024 + 1), 413, 'too-large'],
  ] as const)('of %s is refused and changes nothing', async (_what, body, status, code) => {
    const hub = await scene();
    expect(await errorOf(await hub.put('/manifests/staging.json', body))).toMatchObject({ status, code });
    expect((await hub.get('/manifests/staging.json')).status).toBe(404);
    expect(await readdir(join(hub.folder, 'manifests'))).toEqual([]);
  });

  it('of a serial that leaves no room for the next ones is refused', async () => {
    const hub = await scene();
    for (const most of [Number.MAX_SAFE_INTEGER, 2 ** 52 + 1])
      expect(await errorOf(await hub.publish('staging', most))).toMatchObject({ status: 409 });
    await hub.publish('staging', 7);
    expect(await errorOf(await hub.publish('staging', 1_000_008))).toMatchObject({
      status: 409,
      message: expect.stringContaining('more than 1000000 above 7') as string,
    });
    expect((await hub.publish('staging', 1_000_007)).status).toBe(204);
  });

  it('needs the publish token', async () => {
    const hub = await scene();
    const body = manifestText('staging', 1);
    const none = await hub.put('/manifests/staging.json', body, {});
    expect(none.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(await errorOf(none)).toMatchObject({ status: 401 });
    expect(await errorOf(await hub.put('/manifests/staging.json', body, bearer('wrong')))).toMatchObject({
      status: 401,
    });
    const basic = { authorization: `Basic ${Buffer.from(`jenkins:${PUBLISH}`).toString('base64')}` };
    expect((await hub.put('/manifests/staging.json', body, basic)).status).toBe(201);
  });

  it('has no room for more environments than it was given', async () => {
    const hub = await scene({ limits: { ...DEFAULT_LIMITS, environments: 1, hosts: 1 } });
    await hub.publish('staging', 1);
    expect(await errorOf(await hub.publish('production', 1))).toMatchObject({ status: 507 });
    expect((await hub.publish('staging', 2)).status).toBe(204);
  });

  it.each([
    '/manifests/Staging.json',
    '/manifests/..json',
    '/manifests/%2e%2e%2fx.json',
    '/manifests/staging.txt',
    '/manifests/staging/01.json',
    '/manifests/staging/0.json',
    '/manifests/staging/x.json',
    '/manifests/a%00b.json',
    `/manifests/${'a'.repeat(64)}.json`,
    '/manifests/staging/../../x.json',
    '/manifests/__proto__.json',
    '/manifests/a/b/c.json',
  ])('%s is no address', async (path) => {
    const hub = await scene();
    expect((await hub.put(path, manifestText('staging', 1))).status).toBe(404);
    expect((await hub.get(path)).status).toBe(404);
  });

  it('that the disk refuses is an error, and the old one stays', async () => {
    const disk = { isFull: false };
    const hub = await scene({
      disk: (files) => ({
        ...files,
        apply: (changes) =>
          disk.isFull
            ? Promise.resolve(
                changes.map(
                  () => new AgentError('STORE', 'no space is left', { fields: { code: 'ENOSPC' } }),
                ),
              )
            : files.apply(changes),
      }),
    });
    await hub.publish('staging', 1);
    disk.isFull = true;
    expect(await errorOf(await hub.publish('staging', 2))).toMatchObject({ status: 507, code: 'store' });
    expect(await (await hub.get('/manifests/staging.json')).text()).toBe(manifestText('staging', 1));
    disk.isFull = false;
    expect((await hub.publish('staging', 2)).status).toBe(204);
  });
});

/** Refuses to write what the pattern matches, while it is set. */
const fussyDisk = (full: { pattern: RegExp | undefined }) => (files: HubFiles) => ({
  ...files,
  apply: async (changes: readonly FileChange[]): Promise<readonly (AgentError | undefined)[]> => {
    const noSpace = new AgentError('STORE', 'no space is left', { fields: { code: 'ENOSPC' } });
    const refused = changes.map(
      ({ path, bytes }) => bytes !== undefined && full.pattern?.test(path) === true,
    );
    const results = [...(await files.apply(changes.filter((_, at) => refused[at] === false)))];
    return refused.map((isRefused) => (isRefused ? noSpace : results.shift()));
  },
});

describe('the history of a hub', () => {
  it('does not take back a publish that it misses, and is completed before the next one', async () => {
    const full: { pattern: RegExp | undefined } = { pattern: /staging\/2\.json$/ };
    const hub = await scene({ disk: fussyDisk(full) });
    await hub.publish('staging', 1);
    expect((await hub.publish('staging', 2)).status).toBe(204);
    expect(hub.events.map(({ event }) => event)).toContain('hub.warned');
    expect(await errorOf(await hub.publish('staging', 3))).toMatchObject({ status: 507 });
    await hub.restart();
    expect(await (await hub.get('/manifests/staging.json')).text()).toBe(manifestText('staging', 2));
    full.pattern = undefined;
    expect((await hub.publish('staging', 3)).status).toBe(204);
    expect(await (await hub.get('/manifests/staging/')).json()).toMatchObject({
      names: ['1.json', '2.json', '3.json'],
    });
  });

  it('keeps the newest ten thousand', async () => {
    const old = Array.from({ length: 10_150 }, (_, at) => `${String(at + 1)}.json`);
    const hub = await scene({
      disk: (files) => ({
        ...files,
        list: async (folder) => {
          if (folder === 'manifests') return [{ name: 'staging', kind: 'folder', modifiedAtMs: 0 }];
          return folder === 'manifests/staging'
            ? old.map((name) => ({ name, kind: 'file' as const, modifiedAtMs: 0 }))
            : files.list(folder);
        },
      }),
    });
    const names = async (): Promise<readonly string[]> =>
      ((await (await hub.get('/manifests/staging/')).json()) as { names: string[] }).names;
    await hub.publish('staging', 10_151);
    expect([(await names()).length, (await names())[0]]).toEqual([10_051, '101.json']);
    await hub.publish('staging', 10_152);
    expect([(await names()).length, (await names())[0]]).toEqual([10_000, '153.json']);
    expect((await hub.get('/manifests/staging/152.json')).status).toBe(404);
  });

  it('takes what is missing, identical bytes again, and nothing else', async () => {
    const hub = await scene();
    await hub.publish('staging', 5);
    const put = (serial: number, text: string): Promise<Response> =>
      hub.put(`/manifests/staging/${String(serial)}.json`, text);
    expect((await put(5, manifestText('staging', 5))).status).toBe(204);
    expect(await errorOf(await put(5, manifestText('staging', 5, 'other:1')))).toMatchObject({ status: 409 });
    expect((await put(3, manifestText('staging', 3))).status).toBe(201);
    expect(await errorOf(await put(2, manifestText('staging', 3)))).toMatchObject({ status: 409 });
    expect(await errorOf(await put(6, manifestText('staging', 6)))).toMatchObject({ status: 409 });
    expect((await hub.remove('/manifests/staging/5.json')).status).toBe(405);
    expect(await (await hub.get('/manifests/staging/')).json()).toMatchObject({
      names: ['3.json', '5.json'],
    });
    const tag = (await hub.get('/manifests/staging/3.json')).headers.get('etag') ?? '';
    expect((await hub.get('/manifests/staging/3.json', { 'if-none-match': tag })).status).toBe(304);
  });

  it('is completed after a death between the two writes', async () => {
    const hub = await scene();
    await hub.publish('staging', 5);
    await hub.stop();
    await rm(join(hub.folder, 'manifests/staging/5.json'));
    await hub.restart();
    expect(await readFile(join(hub.folder, 'manifests/staging/5.json'), 'utf8')).toBe(
      manifestText('staging', 5),
    );
  });

  it('begins anew over a current file that nobody can read', async () => {
    const hub = await scene();
    await hub.stop();
    await mkdir(join(hub.folder, 'manifests/staging'));
    await writeFile(join(hub.folder, 'manifests/staging.json'), 'garbage');
    await hub.restart();
    expect(await (await hub.get('/manifests/staging.json')).text()).toBe('garbage');
    expect((await hub.publish('staging', 1)).status).toBe(204);
  });
});

const restarted = async (text: string | undefined): Promise<{ hub: Scene; remarks: string }> => {
  const hub = await scene();
  for (const serial of [1, 2, 3]) await hub.publish('staging', serial);
  await hub.stop();
  if (text !== undefined) await writeFile(join(hub.folder, 'manifests/staging.json'), text);
  await hub.restart();
  const warned = hub.events.filter(({ event }) => event === 'hub.warned');
  return { hub, remarks: warned.map(({ fields }) => String(fields['message'])).join('\n') };
};

describe('a hub that starts over a folder in which', () => {
  it.each([
    ['the current manifest is damaged', '{"payload":'],
    ['the current manifest is empty', ''],
    ['the current manifest is an old one', manifestText('staging', 1)],
    ['the current manifest is of another environment', manifestText('production', 9)],
    ['the current manifest has the last serial of all', manifestText('staging', Number.MAX_SAFE_INTEGER)],
  ])('%s serves the newest of the history, says so, and takes the next publish', async (_what, text) => {
    const { hub, remarks } = await restarted(text);
    expect(remarks).toMatch(/serves serial 3 of the history instead.*supercargo hub repair staging/);
    const read = await hub.get('/manifests/staging.json');
    expect(await read.text()).toBe(manifestText('staging', 3));
    const published = await hub.publish('staging', 4, { 'if-match': read.headers.get('etag') ?? '' });
    expect(published.status).toBe(204);
    await hub.restart();
    expect(await (await hub.get('/manifests/staging.json')).text()).toBe(manifestText('staging', 4));
  });

  it('all is well says nothing', async () => {
    expect((await restarted(undefined)).remarks).toBe('');
  });
});

describe('the probe of a hub', () => {
  it('is an ordinary conditional document', async () => {
    const hub = await scene();
    const probe = '/manifests/staging/probe.json';
    const put = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
      hub.put(probe, body, { ...bearer(PUBLISH), ...headers });
    expect((await hub.get(probe)).status).toBe(404);
    expect((await put('"1"', { 'if-match': '"x"' })).status).toBe(412);
    const first = await put('"1"', { 'if-none-match': '*' });
    expect(first.status).toBe(201);
    expect((await put('"2"', { 'if-none-match': '*' })).status).toBe(412);
    expect((await put('"2"', { 'if-match': first.headers.get('etag') ?? '' })).status).toBe(204);
    expect(await (await hub.get(probe)).text()).toBe('"2"');
    expect((await hub.put(probe, '1', {})).status).toBe(401);
    expect((await hub.remove(probe)).status).toBe(204);
    expect((await hub.remove(probe)).status).toBe(404);
    expect((await hub.get(probe)).status).toBe(404);
  });
});

const keys = (): { readonly key: KeyObject; readonly trust: Trust } => {
  const { privateKey: key } = generateKeyPairSync('ed25519');
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = der.subarray(-32).toString('hex');
  return { key, trust: { epoch: 1, threshold: 1, keys: [{ name: 'jenkins', publicKey }] } };
};

describe('a hub with a trust file', () => {
  const image = `registry.example.com/web@sha256:${'a'.repeat(64)}`;
  const sealed = (key: KeyObject, serial: number, of = image): string =>
    JSON.stringify(seal(Buffer.from(manifestText('staging', serial, of)), [key]));

  it('takes what its keys signed, and nothing else', async () => {
    const { key, trust } = keys();
    const hub = await scene({ trust: () => Promise.resolve(trust) });
    const put = (body: string): Promise<Response> => hub.put('/manifests/staging.json', body);
    expect(await errorOf(await put(manifestText('staging', 1, image)))).toMatchObject({
      status: 422,
      code: 'unsigned',
    });
    expect(await errorOf(await put(sealed(keys().key, 1)))).toMatchObject({ status: 422, code: 'signature' });
    expect(await errorOf(await put(sealed(key, 1, 'web:1.2.3')))).toMatchObject({ code: 'digest-missing' });
    expect((await put(sealed(key, 1))).status).toBe(201);
    expect((await put(sealed(key, 2))).status).toBe(204);
  });

  it('without one takes any envelope of a manifest, and serials grow all the same', async () => {
    const { key } = keys();
    const hub = await scene();
    const put = (body: string): Promise<Response> => hub.put('/manifests/staging.json', body);
    expect((await put(sealed(key, 2))).status).toBe(201);
    expect((await put(sealed(key, 1))).status).toBe(409);
    await hub.restart();
    expect((await put(sealed(key, 1))).status).toBe(409);
    expect((await put(sealed(key, 3))).status).toBe(204);
  });

  it('without one takes nothing unsigned any more where the current one is signed', async () => {
    const { key } = keys();
    const hub = await scene();
    const put = (body: string): Promise<Response> => hub.put('/manifests/staging.json', body);
    expect((await put(sealed(key, 2))).status).toBe(201);
    expect(await errorOf(await put(manifestText('staging', 3, image)))).toMatchObject({
      status: 422,
      code: 'unsigned',
    });
    const nobody = JSON.stringify({ ...(JSON.parse(sealed(key, 3)) as object), signatures: [] });
    expect(await errorOf(await put(nobody))).toMatchObject({ status: 422, code: 'unsigned' });
    await hub.restart();
    expect((await put(manifestText('staging', 3, image))).status).toBe(422);
    expect((await put(sealed(key, 3))).status).toBe(204);
  });

  it('takes nothing with an older trust file than before, nor without one', async () => {
    const { key, trust } = keys();
    const given: { trust: Trust | undefined } = { trust: { ...trust, epoch: 2 } };
    const hub = await scene({ trust: () => Promise.resolve(given.trust) });
    const put = (body: string): Promise<Response> => hub.put('/manifests/staging.json', body);
    expect((await put(sealed(key, 1))).status).toBe(201);
    await hub.restart();
    for (const older of [trust, undefined]) {
      given.trust = older;
      expect(await errorOf(await put(sealed(key, 2)))).toMatchObject({ status: 422, code: 'epoch' });
    }
    given.trust = { ...trust, epoch: 3 };
    expect((await put(sealed(key, 2))).status).toBe(204);
    expect(await (await hub.get('/manifests/staging/')).json()).toMatchObject({
      names: ['1.json', '2.json'],
    });
  });

  it('tells of a trust file that cannot be read', async () => {
    const hub = await scene({
      trust: () =>
        Promise.reject(new AgentError('TRUST', 'trust.json is not valid', { advice: 'correct it' })),
    });
    expect(await errorOf(await hub.publish('staging', 1))).toMatchObject({ status: 500, code: 'trust' });
  });
});
