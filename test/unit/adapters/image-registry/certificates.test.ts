import { createHash } from 'node:crypto';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openRegistry } from '../../../../src/cli/publishing/open-store.ts';
import { readPublisherConfig } from '../../../../src/config/publisher-config.ts';
import { parseImage } from '../../../../src/core/image/reference.ts';
import type { ImageRegistry } from '../../../../src/core/ports/image-registry.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { createFolder, serveMutualTls, writeText } from '../manifest-source/server.ts';

const { signal } = new AbortController();
const sha = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const config = JSON.stringify({ os: 'linux', architecture: 'amd64' });
const layer = 'a layer';
const image = JSON.stringify({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { digest: sha(config), size: config.length },
  layers: [{ digest: sha(layer), size: layer.length }],
});
const CONTENT: Readonly<Record<string, string>> = {
  'manifests/1': image,
  [`manifests/${sha(image)}`]: image,
  [`blobs/${sha(config)}`]: config,
  [`blobs/${sha(layer)}`]: layer,
};

/** It wants a token of its own server, which is the same one here. */
const answer: RequestListener = (request, response) => {
  const path = request.url ?? '';
  if (path.startsWith('/token')) response.end('{"token":"granted"}');
  else if (request.headers.authorization === undefined) {
    const realm = `https://${request.headers.host ?? ''}/token`;
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
  } else response.end(CONTENT[path.replace('/v2/org/web/', '')]);
};

/** A registry that shows its certificate to everybody and answers only who shows one that it knows. */
const startRegistry = async () => {
  const { url, folder, server, client } = await serveMutualTls(answer);
  const { port } = new URL(url);
  // 127.0.0.1 in another spelling: registries on loopback addresses are asked without TLS.
  const host = `127.1:${port}`;
  const certs = join(folder, 'certs.d', host);
  await mkdir(certs, { recursive: true });
  await copyFile(server.cert, join(certs, 'ca.crt'));
  await copyFile(client.cert, join(certs, 'client.cert'));
  await copyFile(client.key, join(certs, 'client.key'));
  const registry: ImageRegistry = openRegistry(readPublisherConfig({ DOCKER_CONFIG: folder }));
  return { registry, certs, reference: `${host}/org/web` };
};

describe('a registry that asks for a certificate', () => {
  it('is shown the one that docker keeps for it, with every question', async () => {
    const { registry, reference } = await startRegistry();
    const digest = sha(image);
    expect(await registry.lookUp(parseImage(`${reference}:1`), signal)).toEqual({
      digest,
      imageIds: { 'linux/amd64': sha(config) },
    });
    const archive = await registry.archive(parseImage(`${reference}@${digest}`), 'linux/amd64', signal);
    expect((await buffer(archive.content)).includes(layer)).toBe(true);
  });

  it.each([
    ['no authority that knows it', 'ca.crt', /certificate/, /its certificate/],
    ['no certificate for it', 'client.cert', /cannot reach https:/, /its certificate/],
    ['no key', 'client.key', /cannot reach https:/, /client\.cert needs its key: .*client\.key/],
  ])('is not reached with %s', async (_what, missing, says, advises) => {
    const { registry, reference, certs } = await startRegistry();
    await rm(join(certs, missing));
    await expect(registry.lookUp(parseImage(`${reference}:1`), signal)).rejects.toMatchObject({
      code: 'REGISTRY',
      message: expect.stringMatching(says),
      advice: expect.stringMatching(advises),
    });
  });

  it('may have several authorities', async () => {
    const { registry, reference, certs } = await startRegistry();
    const other = await createCertificate(await createFolder(), 'other');
    await copyFile(other.cert, join(certs, 'a.crt'));
    await writeText(certs, 'notes.txt', 'not a certificate');
    expect(await registry.lookUp(parseImage(`${reference}:1`), signal)).toMatchObject({ digest: sha(image) });
  });
});
