import { describe, expect, it } from 'vitest';
import { parseImage } from '../../../../src/core/image/reference.ts';
import { bytesOf, createBlobs, digestOf, never, startBlobRegistry } from '../../../support/archived.ts';

const prepare = async () => {
  const blobs = createBlobs(false);
  const { repository, registry, answerWith } = await startBlobRegistry(blobs.contents);
  const [layer] = blobs.layers;
  const image = parseImage(`${repository}@${blobs.root}`);
  const archive = async (platform = 'linux/amd64'): Promise<Buffer> =>
    bytesOf((await registry.archive(image, platform, never)).content);
  return { ...blobs, layer, repository, registry, archive, answerWith };
};

describe('the archive of an image', () => {
  it('is the same every time', async () => {
    const { archive } = await prepare();
    expect((await archive()).equals(await archive())).toBe(true);
  });

  it.each([
    ['that knows ranges', true],
    ['that begins anew each time', false],
  ])('is whole although the connection broke in a layer, from a registry %s', async (_what, knowsRanges) => {
    const { archive, answerWith, layer } = await prepare();
    const whole = await archive();
    const ranges: string[] = [];
    answerWith(digestOf(layer), (response, range) => {
      ranges.push(range);
      const from = knowsRanges ? Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0) : 0;
      const rest = layer.subarray(from);
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': String(rest.length) });
      if (ranges.length === 1) response.write(rest.subarray(0, 40_000), () => response.destroy());
      else response.end(rest);
    });
    expect((await archive()).equals(whole)).toBe(true);
    expect(ranges).toHaveLength(2);
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('is refused where the registry gives other bytes for a layer', async () => {
    const { archive, answerWith, layer } = await prepare();
    answerWith(digestOf(layer), (response) => response.end(Buffer.alloc(layer.length, 'b')));
    await expect(archive()).rejects.toMatchObject({ code: 'IMAGE_MISMATCH' });
  });

  it('is refused where the registry refuses a layer', async () => {
    const { archive, answerWith, layer } = await prepare();
    answerWith(digestOf(layer), (response) => response.writeHead(403).end());
    await expect(archive()).rejects.toMatchObject({ code: 'REGISTRY_AUTH' });
  });

  it('is refused for a platform that an index does not have', async () => {
    const blobs = createBlobs(true);
    const { repository, registry } = await startBlobRegistry(blobs.contents);
    const image = parseImage(`${repository}@${blobs.root}`);
    await expect(registry.archive(image, 'linux/s390x', never)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('it has no image for linux/s390x') as string,
    });
  });
});
