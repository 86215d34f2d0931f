import type { IncomingMessage, ServerResponse } from 'node:http';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DOCUMENT_CAP_BYTES } from '../../../../src/core/manifest/accept.ts';
import { documentOf, failure, sourceOf, UNCHANGED } from './fetched.ts';
import { serve } from './server.ts';

describe('reading a manifest over HTTP', () => {
  it('gives the document, then nothing new while its bytes stay the same', async () => {
    let body = 'first';
    const { url } = await serve((_, response) => response.end(body));
    const fetchNow = sourceOf(url);
    expect(await fetchNow()).toEqual(documentOf('first'));
    expect(await fetchNow()).toEqual(UNCHANGED);
    body = 'second';
    expect(await fetchNow()).toEqual(documentOf('second'));
  });

  it('takes an empty answer for a document of no bytes, which the acceptance judges', async () => {
    const { url } = await serve((_, response) => response.end());
    expect(await sourceOf(url)()).toEqual(documentOf(''));
  });

  it('asks with the ETag it was given and takes 304 for unchanged', async () => {
    const { url, requests } = await serve((request, response) => {
      response.setHeader('etag', '"one"');
      response.statusCode = request.headers['if-none-match'] === '"one"' ? 304 : 200;
      response.end(response.statusCode === 200 ? 'body' : undefined);
    });
    const fetchNow = sourceOf(url);
    expect([await fetchNow(), await fetchNow()]).toEqual([documentOf('body'), UNCHANGED]);
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"one"']);
  });

  it('finds changed content behind an unchanged ETag by the 20th read', async () => {
    let body = 'version 1.2.3';
    const { url, requests } = await serve((request, response) => {
      response.setHeader('etag', '"mtime-size"');
      response.statusCode = request.headers['if-none-match'] === undefined ? 200 : 304;
      response.end(response.statusCode === 200 ? body : undefined);
    });
    const fetchNow = sourceOf(url);
    await fetchNow();
    body = 'version 1.2.4';
    const seen = [];
    for (let read = 1; read <= 20; read += 1) seen.push(await fetchNow());
    expect(seen).toEqual([...Array.from({ length: 19 }, () => UNCHANGED), documentOf('version 1.2.4')]);
    expect(requests.filter(({ headers }) => headers['if-none-match'] === undefined)).toHaveLength(2);
  });

  it.each([
    ['in this very second', 0, [undefined, undefined]],
    ['a second ago', 1, [undefined, undefined]],
    ['two seconds ago', 2, [undefined, '"mtime-size"']],
    ['by a clock that is ahead', -60, [undefined, undefined]],
  ])(
    'trusts an ETag that a file of the same size could share only after its second: changed %s',
    async (_, secondsAgo, asked) => {
      const { url, requests } = await serve((_request, response) => {
        const date = Date.parse('2026-11-23T10:00:00Z');
        response.setHeader('etag', '"mtime-size"').setHeader('date', new Date(date).toUTCString());
        response.setHeader('last-modified', new Date(date - secondsAgo * 1000).toUTCString()).end('body');
      });
      const fetchNow = sourceOf(url);
      await fetchNow();
      await fetchNow();
      expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual(asked);
    },
  );

  it('reads again without condition where the unconditional read failed', async () => {
    const conditions: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      const condition = request.headers['if-none-match'];
      conditions.push(condition);
      response.setHeader('etag', '"one"');
      response.statusCode = conditions.length === 21 ? 503 : condition === undefined ? 200 : 304;
      response.end(response.statusCode === 200 ? 'body' : undefined);
    });
    const fetchNow = sourceOf(url);
    for (let read = 0; read < 22; read += 1) await fetchNow();
    expect(conditions.map((condition) => condition === undefined)).toEqual(
      Array.from({ length: 22 }, (_, read) => [0, 20, 21].includes(read)),
    );
  });

  it.each(['no quotes', '"a', '*'])('does not send back an ETag that is none: %s', async (etag) => {
    const { url, requests } = await serve((_, response) => response.setHeader('etag', etag).end('body'));
    const fetchNow = sourceOf(url);
    expect([await fetchNow(), await fetchNow()]).toEqual([documentOf('body'), UNCHANGED]);
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, undefined]);
  });

  it('does not believe a 304 that it did not ask for', async () => {
    const { url } = await serve((_, response) => response.writeHead(304).end());
    expect(await sourceOf(url)()).toMatchObject(failure('MANIFEST_UNREACHABLE', /answered 304$/));
  });
});

describe('an answer that is too long', () => {
  it('is cut one byte past the cap, and the connection is given up', async () => {
    const closed = Promise.withResolvers<undefined>();
    const { url } = await serve((_, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', pour).on('close', () => {
        closed.resolve(undefined);
      });
      pour();
    });
    const fetched = await sourceOf(url)();
    expect(fetched).toEqual({ kind: 'document', bytes: Buffer.alloc(DOCUMENT_CAP_BYTES + 1, 'x') });
    await closed.promise;
  });

  it('is cut where its length is announced, too', async () => {
    const { url } = await serve((_, response) => response.end(Buffer.alloc(2 * DOCUMENT_CAP_BYTES)));
    expect(await sourceOf(url)()).toEqual({ kind: 'document', bytes: Buffer.alloc(DOCUMENT_CAP_BYTES + 1) });
  });

  it('is whole at exactly the cap', async () => {
    const { url } = await serve((_, response) => response.end(Buffer.alloc(DOCUMENT_CAP_BYTES, 'x')));
    expect(await sourceOf(url)()).toEqual({ kind: 'document', bytes: Buffer.alloc(DOCUMENT_CAP_BYTES, 'x') });
  });

  it('is refused where it is compressed, however small', async () => {
    const { url, requests } = await serve((_, response) =>
      response.setHeader('content-encoding', 'gzip').end('x'),
    );
    expect(await sourceOf(url)()).toMatchObject(failure('MANIFEST_UNREACHABLE', /is compressed \(gzip\)/));
    expect(requests[0]?.headers['accept-encoding']).toBe('identity');
  });
});

const redirectTo = (location: string | undefined) => (_: IncomingMessage, response: ServerResponse) =>
  response.writeHead(302, location === undefined ? {} : { location }).end('ignored');

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('%i is followed on the same server', async (status) => {
    const { url, requests } = await serve((request, response) => {
      if (request.url === '/there') response.end('body');
      else response.writeHead(status, { location: '/there' }).end('ignored');
    });
    expect(await sourceOf(url)()).toEqual(documentOf('body'));
    expect(requests.map((request) => request.url)).toEqual(['/manifest.json', '/there']);
  });

  it('is followed five times and no more', async () => {
    const { url, requests } = await serve((request, response) => {
      const hop = Number(new URL(request.url ?? '', 'http://x').searchParams.get('hop') ?? '0');
      response.writeHead(302, { location: `/?hop=${hop + 1}` }).end();
    });
    expect(await sourceOf(url)()).toMatchObject(failure('MANIFEST_UNREACHABLE', /more than 5 redirects$/));
    expect(requests).toHaveLength(6);
  });

  it.each([
    ['another port', 'http://127.0.0.1:1/manifest.json'],
    ['another scheme', 'https://127.0.0.1/manifest.json'],
    ['another host', '//localhost/manifest.json'],
    ['a file', 'file:///etc/passwd'],
    ['nowhere', 'http://'],
    ['no address', undefined],
  ])('to %s is not followed', async (_, location) => {
    const { url } = await serve(redirectTo(location));
    expect(await sourceOf(url)()).toMatchObject(
      failure('MANIFEST_UNREACHABLE', /redirects to another server$/),
    );
  });

  it('does not carry a user into the same server', async () => {
    const { url, requests } = await serve((request, response) =>
      response.writeHead(302, { location: `http://a:b@${request.headers.host ?? ''}/` }).end(),
    );
    expect(await sourceOf(url)()).toMatchObject(
      failure('MANIFEST_UNREACHABLE', /redirects to another server$/),
    );
    expect(requests).toHaveLength(1);
  });

  it('asks nothing of the other server', async () => {
    const other = await serve((_, response) => response.end('stolen'));
    const { url } = await serve(redirectTo(other.url));
    expect((await sourceOf(url)()).kind).toBe('failed');
    expect(other.requests).toEqual([]);
  });
});

describe('a proxy in the environment', () => {
  it('is ignored, even where Node would use it', async () => {
    const proxy = await serve((_, response) => response.end('from the proxy'));
    const { url } = await serve((_, response) => response.end('from the server'));
    const [source, list] = ['adapters/manifest-source/manifest-source.ts', 'io/hub-failover.ts'].map(
      (file) => new URL(`../../../../src/${file}`, import.meta.url).href,
    );
    // The plain request shows that Node would really use the proxy here.
    const script = `import { get } from 'node:http';
      get(${JSON.stringify(url)}, (response) => response.on('data', (chunk) => console.log('plain: ' + chunk)));
      const { createManifestSource } = await import(${JSON.stringify(source)});
      const { createHubs } = await import(${JSON.stringify(list)});
      const hubs = createHubs({ host: 'web-1' }).list('manifest', [${JSON.stringify(url)}]);
      const fetched = await createManifestSource({ hubs }).fetch(new AbortController().signal);
      console.log('source: ' + Buffer.from(fetched.bytes));`;
    const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: new URL(proxy.url).origin };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env,
    });
    expect(stdout.trim().split('\n').toSorted()).toEqual([
      'plain: from the proxy',
      'source: from the server',
    ]);
    expect(proxy.requests).toHaveLength(1);
  });
});
