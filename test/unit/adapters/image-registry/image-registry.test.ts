import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createImageRegistry } from '../../../../src/adapters/image-registry/image-registry.ts';
import { parseImage } from '../../../../src/core/image/reference.ts';
import type { RegistryAuth } from '../../../../src/core/ports/registry-credentials.ts';

const { signal } = new AbortController();
const sha = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const config = JSON.stringify({ os: 'linux', architecture: 'amd64' });
const image = JSON.stringify({ config: { digest: sha(config) }, layers: [] });
const arm = JSON.stringify({ config: { digest: sha('arm') }, layers: [] });
const index = JSON.stringify({
  manifests: [
    { digest: sha(image), platform: { os: 'linux', architecture: 'amd64' } },
    { digest: sha(arm), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { digest: sha('attestation'), platform: { os: 'unknown', architecture: 'unknown' } },
  ],
});

type Answer = readonly [number, string, Readonly<Record<string, string>>?];
const CONTENT: Readonly<Record<string, Answer>> = {
  'manifests/1.0.0': [200, image],
  'manifests/multi': [200, index],
  [`manifests/${sha(image)}`]: [200, image],
  [`manifests/${sha(arm)}`]: [200, arm],
  [`blobs/${sha(config)}`]: [200, config],
  'manifests/lying': [200, image, { 'docker-content-digest': sha('other') }],
  [`manifests/${sha('other')}`]: [200, image],
  'manifests/old': [200, '{"schemaVersion":1}'],
  'manifests/null': [200, 'null'],
  'manifests/holes': [200, '{"manifests":[null,{"digest":7,"platform":null}]}'],
  'manifests/strange': [
    200,
    JSON.stringify({ manifests: [{ digest: sha(image), platform: { os: 'Linux ', architecture: 'x' } }] }),
  ],
  'manifests/busy': [429, '', { 'retry-after': '30' }],
  'manifests/closed': [403, ''],
  'tags/list': [200, '{"tags":["1.0.0","multi"]}'],
};

const registryWith = (auth?: RegistryAuth) => createImageRegistry({ for: () => Promise.resolve(auth) });

interface Registry {
  readonly look: (reference: string, auth?: RegistryAuth) => Promise<unknown>;
  readonly archive: (reference: string, platform: string) => Promise<unknown>;
  readonly authorizations: readonly (string | undefined)[];
}

/** `challenge`: what it asks for where nobody has logged in. */
const startRegistry = async (
  challenge?: (url: string) => string | string[],
  content: Readonly<Record<string, Answer>> = CONTENT,
): Promise<Registry> => {
  const authorizations: (string | undefined)[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { authorization } = request.headers;
    const path = request.url ?? '';
    if (path.startsWith('/token')) {
      authorizations.push(`token ${authorization ?? 'nobody'} ${path}`);
      response.end(JSON.stringify({ token: authorization === undefined ? 'anonymous' : 'granted' }));
      return;
    }
    authorizations.push(authorization);
    if (challenge && authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': challenge(base) }).end();
      return;
    }
    const [status, body, headers] = content[path.replace('/v2/org/web/', '')] ?? [404, ''];
    response.writeHead(status, headers).end(body);
  };
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const base = `http://${address}`;
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const parsed = (reference: string) => parseImage(`${address}/org/web${reference}`);
  return {
    authorizations,
    look: (reference, auth) => registryWith(auth).lookUp(parsed(reference), signal),
    archive: (reference, platform) => registryWith().archive(parsed(reference), platform, signal),
  };
};

describe('a registry is asked for', () => {
  it('an image by its tag: digest of the bytes, and the id of its platform', async () => {
    const { look } = await startRegistry();
    expect(await look(':1.0.0')).toEqual({ digest: sha(image), imageIds: { 'linux/amd64': sha(config) } });
  });

  it('an index: the id for each platform, without attestations', async () => {
    const { look } = await startRegistry();
    expect(await look(':multi')).toEqual({
      digest: sha(index),
      imageIds: { 'linux/amd64': sha(config), 'linux/arm64': sha('arm') },
    });
  });

  it('an index without one of its images: what is there, and the image that is missing', async () => {
    const { [`manifests/${sha(arm)}`]: _gone, ...content } = CONTENT;
    const { look } = await startRegistry(undefined, content);
    expect(await look(':multi')).toEqual({
      digest: sha(index),
      imageIds: { 'linux/amd64': sha(config) },
      missing: { 'linux/arm64': sha(arm) },
    });
  });

  it('the archive of an image that its index names, and that is missing', async () => {
    const { archive } = await startRegistry(undefined, { [`manifests/${sha(index)}`]: [200, index] });
    await expect(archive(`@${sha(index)}`, 'linux/arm64')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining(`has no image for linux/arm64: its index names ${sha(arm)}`) as string,
    });
  });

  it('an index without any of its images', async () => {
    const { look } = await startRegistry(undefined, { 'manifests/multi': [200, index] });
    await expect(look(':multi')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining(
        `org/web:multi has no image for linux/amd64: its index names ${sha(image)}`,
      ),
      advice: expect.stringMatching(/push it for that platform again/),
    });
  });

  it.each([
    [':9.9.9', 'IMAGE_NOT_FOUND', /has no .*9\.9\.9/, /there are 2 tags: 1\.0\.0, multi/],
    [':lying', 'IMAGE_MISMATCH', /serves sha256/, /has a fault/],
    [`@${sha('other')}`, 'IMAGE_MISMATCH', /was asked for/, /has a fault/],
    [':old', 'IMAGE_NOT_FOUND', /not an image that a host can run/, /current docker/],
    [':null', 'IMAGE_NOT_FOUND', /not an image that a host can run/, /current docker/],
    [':holes', 'IMAGE_NOT_FOUND', /not an image that a host can run/, /current docker/],
    // No manifest may name this platform: hosts would refuse what was published with it.
    [':strange', 'IMAGE_NOT_FOUND', /not an image that a host can run/, /current docker/],
    [':busy', 'REGISTRY', /429 .*after 30 s/, /rate limit/],
    [':closed', 'REGISTRY_AUTH', /refuses to show/, /docker login/],
  ])('%s: %s', async (reference, code, says, advises) => {
    const { look } = await startRegistry();
    const error = await look(reference).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(says),
      advice: expect.stringMatching(advises),
    });
  });
});

describe('a registry that wants a login', () => {
  const login = { username: 'deploy', password: 'correct horse', serveraddress: 'x' };
  const basic = `Basic ${Buffer.from('deploy:correct horse').toString('base64')}`;

  it('gets it as asked: basic', async () => {
    const { look, authorizations } = await startRegistry(() => 'Basic realm="x"');
    await look(':1.0.0', login);
    expect(authorizations).toEqual([undefined, basic, basic]);
  });

  it('gets a token for it, once for all its questions', async () => {
    const { look, authorizations } = await startRegistry(
      (url) => `Bearer realm="${url}/token",service="registry",scope="repository:org/web:pull"`,
    );
    await look(':multi', login);
    expect(authorizations.slice(0, 3)).toEqual([
      undefined,
      `token ${basic} /token?service=registry&scope=repository%3Aorg%2Fweb%3Apull`,
      'Bearer granted',
    ]);
    expect(new Set(authorizations.slice(2))).toEqual(new Set(['Bearer granted']));
  });

  const PULL = 'scope=repository%3Aorg%2Fweb%3Apull';
  it.each<[string, (url: string) => string | string[], string]>([
    [
      'two headers, Basic first',
      (url) => ['Basic realm="x"', `Bearer realm="${url}/token",service="s"`],
      `/token?service=s&${PULL}`,
    ],
    [
      'two headers, Bearer first',
      (url) => [`Bearer realm="${url}/token",service="s"`, 'Basic realm="x"'],
      `/token?service=s&${PULL}`,
    ],
    [
      'one header with both',
      (url) => `Basic realm="a, \\"b\\" = c", charset=UTF-8, Bearer service=s , realm="${url}/token"`,
      `/token?service=s&${PULL}`,
    ],
    ['a scheme that is not known', (url) => `Negotiate abc==, bearer realm="${url}/token"`, `/token?${PULL}`],
    ['no scope', (url) => `Bearer realm="${url}/token"`, `/token?${PULL}`],
  ])('gets a token for it with %s', async (_, challenge, asked) => {
    const { look, authorizations } = await startRegistry(challenge);
    await look(':1.0.0', login);
    expect(authorizations.slice(0, 3)).toEqual([undefined, `token ${basic} ${asked}`, 'Bearer granted']);
  });

  it('gets it with Basic where the other challenge names no token server', async () => {
    const { look, authorizations } = await startRegistry(() => ['Bearer service="s"', 'Basic realm="x"']);
    await look(':1.0.0', login);
    expect(authorizations).toEqual([undefined, basic, basic]);
  });

  it('gets no password at a place that is not safe', async () => {
    const { look } = await startRegistry(() => 'Bearer realm="ftp://example.com/token"');
    await expect(look(':1.0.0', login)).rejects.toMatchObject({ code: 'REGISTRY_AUTH' });
  });

  it('whose token server is away is told so', async () => {
    const { look } = await startRegistry(() => 'Bearer realm="http://127.0.0.1:1/token"');
    await expect(look(':1.0.0', login)).rejects.toMatchObject({
      code: 'REGISTRY',
      message: expect.stringContaining('cannot reach http://127.0.0.1:1'),
    });
  });

  it('that is away is told', async () => {
    const registry = createImageRegistry({ for: () => Promise.resolve(undefined) });
    await expect(registry.lookUp(parseImage('127.0.0.1:1/org/web:1'), signal)).rejects.toMatchObject({
      code: 'REGISTRY',
      message: expect.stringContaining('cannot reach http://127.0.0.1:1'),
    });
  });
});
