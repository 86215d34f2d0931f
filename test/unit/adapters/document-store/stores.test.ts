import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createFolderStore } from '../../../../src/adapters/document-store/folder-store.ts';
import { createHttpStore } from '../../../../src/adapters/document-store/http-store.ts';
import { parseListing } from '../../../../src/adapters/document-store/listing.ts';
import type { DocumentStore } from '../../../../src/core/ports/document-store.ts';

const { signal } = new AbortController();
const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (stored: { bytes: Uint8Array } | undefined): string =>
  Buffer.from(stored?.bytes ?? []).toString();
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const folderStore = async (): Promise<DocumentStore & { readonly folder: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-store-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  return { ...createFolderStore(folder), folder };
};

const serve = async (
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<DocumentStore> => {
  const server: Server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const base = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/base/`);
  return createHttpStore({ base, authorization: 'Bearer secret-token', tls: {} });
};

/** Keeps documents, and takes every PUT, as nginx does. */
const dumbServer = (): Promise<DocumentStore> => {
  const documents = new Map<string, string>();
  return serve((request, response) => {
    const url = request.url ?? '';
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (request.method === 'PUT') documents.set(url, body);
      const found = documents.get(url);
      if (request.method === 'DELETE') response.writeHead(documents.delete(url) ? 204 : 404).end();
      else if (request.method !== 'GET') response.writeHead(204).end();
      else if (found === undefined) response.writeHead(404).end();
      else response.writeHead(200, { etag: 'W/"1"' }).end(found);
    });
  });
};

describe('a folder as a store', () => {
  it('writes only where the condition holds', async () => {
    const store = await folderStore();
    const path = 'manifests/staging.json';
    expect(await store.read(path, signal)).toBeUndefined();
    expect(await store.write(path, bytes('1'), { kind: 'unchanged', version: 'x' }, signal)).toBe('refused');
    expect(await store.write(path, bytes('1'), { kind: 'absent' }, signal)).toBe('written');
    expect(await store.write(path, bytes('2'), { kind: 'absent' }, signal)).toBe('refused');
    const stored = await store.read(path, signal);
    const unchanged = { kind: 'unchanged', version: stored?.version ?? '' } as const;
    expect(await store.write(path, bytes('2'), unchanged, signal)).toBe('written');
    expect(await store.write(path, bytes('3'), unchanged, signal)).toBe('refused');
    expect(textOf(await store.read(path, signal))).toBe('2');
    expect(await store.write(path, bytes('4'), { kind: 'none' }, signal)).toBe('written');
    expect(await store.honoursConditions('p', signal)).toBe(true);
    expect([await store.remove(path, signal), await store.remove(path, signal)]).toEqual([true, false]);
    expect(await store.read(path, signal)).toBeUndefined();
  });

  it('lets one of many writers in, and leaves nothing but documents', async () => {
    const store = await folderStore();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.write('m/s.json', bytes(String(n)), { kind: 'absent' }, signal),
      ),
    );
    expect(all.filter((outcome) => outcome === 'written')).toHaveLength(1);
    expect(await readdir(join(store.folder, 'm'))).toEqual(['s.json']);
    expect(await store.list('m', signal)).toEqual(['s.json']);
    expect(await store.list('nothing', signal)).toEqual([]);
    expect(await store.read('m', signal)).toBeUndefined();
  });
});

describe('a server as a store', () => {
  it('that ignores conditions is found out, and the probe is removed again', async () => {
    const store = await dumbServer();
    expect(await store.honoursConditions('manifests/s/probe.json', signal)).toBe(false);
    expect(await store.read('manifests/s/probe.json', signal)).toBeUndefined();
    await store.write('manifests/s.json', bytes('{}'), { kind: 'none' }, signal);
    // A weak ETag is no condition.
    expect(await store.read('manifests/s.json', signal)).toMatchObject({
      bytes: Buffer.from('{}'),
      version: undefined,
    });
    expect(await store.list('manifests/s', signal)).toBeUndefined();
    const remove = (): Promise<boolean> => store.remove('manifests/s.json', signal);
    expect([await remove(), await remove()]).toEqual([true, false]);
  });

  it('that removes nothing says why', async () => {
    const store = await serve((_request, response) => response.writeHead(401).end());
    await expect(store.remove('reports/s/web-1.json', signal)).rejects.toMatchObject({
      message: expect.stringMatching(/cannot remove .*web-1\.json: 401/) as string,
      advice: expect.stringContaining('SUPERCARGO_PUBLISH_TOKEN') as string,
    });
  });

  it.each([
    [401, {}, '', /401/, /SUPERCARGO_PUBLISH_TOKEN/],
    [
      401,
      {},
      '{"error":{"message":"publishing needs a token","advice":"send it as Bearer"}}',
      /401, publishing needs a token/,
      /SUPERCARGO_PUBLISH_TOKEN or SUPERCARGO_PUBLISH_TOKEN_FILE/,
    ],
    [409, {}, '', /409/, /create_full_put_path/],
    [413, {}, '', /413/, /client_max_body_size/],
    [503, {}, '', /503/, /look at the server/],
    [302, { location: 'https://elsewhere.example.com/' }, '', /points to https:\/\/elsewhere/, /check --to/],
    [
      409,
      {},
      '{"error":{"message":"serial 3 is not above 7","advice":"publish a higher one"}}',
      /not above 7/,
      /higher one/,
    ],
  ])(
    'that answers %i says what to do, and never shows the token',
    async (status, headers, body, says, advises) => {
      const store = await serve((request, response) => {
        request.resume();
        response.writeHead(status, headers).end(body);
      });
      const error = await store
        .write('a.json', bytes('{}'), { kind: 'none' }, signal)
        .catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: 'STORE',
        message: expect.stringMatching(says),
        advice: expect.stringMatching(advises),
      });
      expect(JSON.stringify(error)).not.toContain('secret-token');
    },
  );

  it('that sends without end is left at the cap', async () => {
    const store = await serve((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) continue;
      };
      response.on('drain', more);
      more();
    });
    await expect(store.read('manifests/s.json', signal)).rejects.toThrow(/larger than 262144 bytes/);
  });

  it('that is away is told with its address', async () => {
    const store = createHttpStore({ base: new URL('http://127.0.0.1:1'), authorization: undefined, tls: {} });
    await expect(store.read('a.json', signal)).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(/cannot read http:\/\/127\.0\.0\.1:1\/a\.json: .*ECONNREFUSED/),
    });
  });
});

describe('a listing', () => {
  it.each([
    ['{"names":["1.json","2.json"]}', ['1.json', '2.json']],
    ['{"hosts":[{"host":"web-1"}]}', ['web-1.json']],
    ['[{"name":"1.json","type":"file"},{"name":"old","type":"directory"}]', ['1.json']],
    ['<html>', undefined],
    ['{}', undefined],
    ['null', undefined],
  ])('%s', (text, names) => {
    expect(parseListing(text)).toEqual(names);
  });
});
