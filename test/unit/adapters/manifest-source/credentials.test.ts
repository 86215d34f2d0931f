import { readFile, writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseCredentials } from '../../../../src/adapters/manifest-source/credentials.ts';
import { parseRetryAfter } from '../../../../src/core/retry-after.ts';
import { documentOf, errorOf, failure, sourceOf } from './fetched.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { createFolder, serve, serveMutualTls, serveTls, writeText } from './server.ts';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the credentials file', () => {
  it.each([
    ['user and password', 'user:pass\n', basic('user:pass')],
    ['a password with colons and spaces', 'user:a:b c', basic('user:a:b c')],
    ['an empty password', 'user:', basic('user:')],
    ['another script', 'jürgen:пароль', basic('jürgen:пароль')],
    ['a line end of Windows', 'user:pass\r\n', basic('user:pass')],
    ['a bearer token', 'Bearer abc.def-1_2~3+4/5=', 'Bearer abc.def-1_2~3+4/5='],
    ['a bearer token with a colon', 'bearer  a:b', 'Bearer a:b'],
    ['a single token', 'abc\n', 'Bearer abc'],
  ])('may hold %s', (_, text, header) => {
    expect(parseCredentials(text)).toBe(header);
  });

  it.each([
    ['nothing', ''],
    ['a line end', '\n'],
    ['two lines', 'user:pass\nother:pass'],
    ['two words', 'two words'],
    ['no user', ':pass'],
    ['Bearer alone', 'Bearer '],
    ['a token in another script', 'пароль'],
    ['a header smuggled in', 'token\r\nx-other: 1'],
  ])('may not hold %s', (_, text) => {
    expect(parseCredentials(text)).toBeUndefined();
  });

  it('is read again for every fetch, so that a rotated password works', async () => {
    let wanted = basic('user:old');
    const { url } = await serve((request, response) => {
      response.statusCode = request.headers.authorization === wanted ? 200 : 401;
      response.end('body');
    });
    const credentialsFile = await writeText(await createFolder(), 'credentials', 'user:old');
    const fetchNow = sourceOf(url, { credentialsFile });
    expect(await fetchNow()).toEqual(documentOf('body'));
    wanted = basic('user:new');
    const fetched = await fetchNow();
    expect(fetched).toMatchObject(failure('CREDENTIALS', /answered 401$/));
    const error = errorOf(fetched);
    expect(error.advice).toMatch(/^correct the login in the file/);
    await writeFile(credentialsFile, 'user:new');
    expect((await fetchNow()).kind).toBe('unchanged');
  });

  it('goes along with a redirect on the same server only', async () => {
    const other = await serve((_, response) => response.end('stolen'));
    const { url, requests } = await serve((request, response) => {
      const location = request.url === '/manifest.json' ? '/there' : other.url;
      response.writeHead(302, { location }).end();
    });
    const credentialsFile = await writeText(await createFolder(), 'credentials', 'secret-token');
    expect((await sourceOf(url, { credentialsFile })()).kind).toBe('failed');
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer secret-token',
      'Bearer secret-token',
    ]);
    expect(other.requests).toEqual([]);
  });

  it('never shows in an error, however deep a logger looks', async () => {
    const folder = await createFolder();
    const { url, server } = await serve((_, response) => response.destroy());
    const credentialsFile = await writeText(folder, 'credentials', 'user:hidden-word');
    const broken = await writeText(folder, 'broken', 'hidden-word and more');
    const cut = await sourceOf(url, { credentialsFile })();
    const unusable = await sourceOf(url, { credentialsFile: broken })();
    await new Promise((closed) => server.close(closed));
    const refused = await sourceOf(url, { credentialsFile })();
    expect([cut.kind, unusable.kind, refused.kind]).toEqual(['failed', 'failed', 'failed']);
    const shown = inspect([cut, unusable, refused], { depth: 10, showHidden: true });
    expect(shown).not.toContain('hidden-word');
    expect(shown).not.toContain(Buffer.from('user:hidden-word').toString('base64'));
  });

  it('fails where it is not there or holds nothing', async () => {
    const { url, requests } = await serve((_, response) => response.end('body'));
    const empty = await writeText(await createFolder(), 'credentials', '');
    expect(await sourceOf(url, { credentialsFile: `${empty}-not` })()).toMatchObject(
      failure('CREDENTIALS', /does not exist$/),
    );
    expect(await sourceOf(url, { credentialsFile: empty })()).toMatchObject(
      failure('CREDENTIALS', /holds no credentials$/),
    );
    expect(requests).toEqual([]);
  });
});

describe('a manifest over TLS', () => {
  it('is read where the authority is the one we were given, and not otherwise', async () => {
    const folder = await createFolder();
    const { cert, key } = await createCertificate(folder, 'server');
    const other = await createCertificate(folder, 'other');
    const { url } = await serveTls({ cert: await readFile(cert), key: await readFile(key) }, (_, response) =>
      response.end('body'),
    );
    expect(await sourceOf(url, { tls: { ca: cert } })()).toEqual(documentOf('body'));
    for (const tls of [{}, { ca: other.cert }]) {
      const fetched = await sourceOf(url, { tls })();
      expect(fetched).toMatchObject(failure('MANIFEST_UNREACHABLE', /^cannot read https:/));
      const error = errorOf(fetched);
      expect(error.advice).toMatch(/SUPERCARGO_CA/);
    }
    expect(await sourceOf(url, { tls: { ca: `${cert}-not` } })()).toMatchObject(
      failure('CREDENTIALS', /does not exist$/),
    );
  });

  it('shows its own certificate where the server wants one', async () => {
    const { url, server, client } = await serveMutualTls((_, response) => response.end('body'));
    const tls = { ca: server.cert, clientCert: client.cert, clientKey: client.key };
    expect(await sourceOf(url, { tls })()).toEqual(documentOf('body'));
    expect(await sourceOf(url, { tls: { ca: server.cert } })()).toMatchObject(
      failure('MANIFEST_UNREACHABLE', /^cannot read https:/),
    );
  });
});

describe('Retry-After', () => {
  const nowMs = Date.parse('2026-11-23T12:00:00Z');
  it.each([
    ['seconds', '30', 30_000],
    ['no seconds', '0', 0],
    ['more than an hour', '99999999999999999999', 3_600_000],
    ['a date', 'Mon, 23 Nov 2026 12:00:10 GMT', 10_000],
    ['a date that is over', 'Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['a negative number', '-1', undefined],
    ['a fraction', '1.5', undefined],
    ['a date in another form', '2026-11-23T12:00:10Z', undefined],
    ['a day that is none', 'Mon, 99 Nov 2026 12:00:10 GMT', undefined],
    ['nothing', undefined, undefined],
  ])('is %s', (_, value, delayMs) => {
    expect(parseRetryAfter(value, nowMs)).toBe(delayMs);
  });
});
