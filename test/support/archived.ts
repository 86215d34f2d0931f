import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createImageRegistry } from '../../src/adapters/image-registry/image-registry.ts';
import { type Digest, type ImageId, parseImage } from '../../src/core/image/reference.ts';
import type { ImageRegistry } from '../../src/core/ports/image-registry.ts';

export const digestOf = (bytes: string | Uint8Array): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;

export const bytesOf = async (content: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
};

export const never = new AbortController().signal;

export interface BlobRegistry {
  /** `127.0.0.1:PORT/org/web` */
  readonly repository: string;
  readonly registry: ImageRegistry;
  /** Instead of the content of a digest. */
  readonly answerWith: (digest: string, answer: (response: ServerResponse, range: string) => void) => void;
}

/** The registry API over these contents, each under its digest. */
export const startBlobRegistry = async (contents: readonly Buffer[]): Promise<BlobRegistry> => {
  const known = new Map(contents.map((c) => [digestOf(c) as string, c]));
  const special = new Map<string, (response: ServerResponse, range: string) => void>();
  const server = createServer((request, response) => {
    const digest = /sha256:[0-9a-f]{64}$/.exec(request.url ?? '')?.[0] ?? '';
    const content = known.get(digest);
    const answer = special.get(digest);
    if (answer && (request.url ?? '').includes('/blobs/')) answer(response, request.headers.range ?? '');
    else if (content) response.end(content);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return {
    repository: `127.0.0.1:${String((server.address() as AddressInfo).port)}/org/web`,
    registry: createImageRegistry({ for: async () => Promise.resolve(undefined) }),
    answerWith: (digest, answer) => void special.set(digest, answer),
  };
};

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const describe = (content: Buffer) => ({ digest: digestOf(content), size: content.length });

/** An image of two layers (the first one twice) for linux/amd64; by an index with another platform, or directly. */
export const createBlobs = (withIndex: boolean) => {
  const layers = [Buffer.alloc(100_000, 'a'), Buffer.from('second layer')] as const;
  const config = json({ os: 'linux', architecture: 'amd64' });
  const manifest = json({
    schemaVersion: 2,
    config: describe(config),
    layers: [layers[0], layers[1], layers[0]].map(describe),
  });
  const index = json({
    manifests: [
      { ...describe(Buffer.from('arm')), platform: { os: 'linux', architecture: 'arm64' } },
      { ...describe(manifest), platform: { os: 'linux', architecture: 'amd64' } },
    ],
  });
  return {
    contents: [...layers, config, manifest, index],
    layers,
    root: digestOf(withIndex ? index : manifest),
    imageId: digestOf(config) as string as ImageId,
  };
};

/** Its archive, as `publish --archive` makes it. */
export const createArchived = async (withIndex = false) => {
  const blobs = createBlobs(withIndex);
  const { repository, registry } = await startBlobRegistry(blobs.contents);
  const image = parseImage(`${repository}@${blobs.root}`);
  const { bytes, content } = await registry.archive(image, 'linux/amd64', never);
  const whole = await bytesOf(content);
  return {
    ...blobs,
    announced: bytes,
    bytes: whole,
    archive: { digest: digestOf(whole), bytes: whole.length },
  };
};
