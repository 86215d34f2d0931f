import { describe, expect, it } from 'vitest';
import { verifiedArchive } from '../../../../src/adapters/docker/verified-archive.ts';
import type { ImageId } from '../../../../src/core/image/reference.ts';
import { bytesOf, createArchived, digestOf } from '../../../support/archived.ts';

type Archived = Awaited<ReturnType<typeof createArchived>>;

/** In pieces that fit nothing. */
async function* inPieces(bytes: Buffer, size = 777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe('an archive on its way to the engine', () => {
  it.each([
    ['of an image', false],
    ['of one image of an index', true],
  ])('%s goes on byte for byte, and is as long as was announced', async (_what, withIndex) => {
    const { archive, announced, bytes, root, imageId } = await createArchived(withIndex);
    expect(announced).toBe(bytes.length);
    const passed = await bytesOf(verifiedArchive(inPieces(bytes), archive, { root, imageId }));
    expect(passed.equals(bytes)).toBe(true);
    expect(bytes.toString('latin1')).toContain('"RepoTags":null');
  });

  it.each<[string, (a: Archived) => Buffer, string, RegExp]>([
    ['cut', (a) => a.bytes.subarray(0, -700), 'STORE', /ends after \d+ of \d+ bytes/],
    ['empty', () => Buffer.alloc(0), 'STORE', /ends after 0 of/],
    ['too long', (a) => Buffer.concat([a.bytes, Buffer.alloc(512)]), 'IMAGE_MISMATCH', /longer than/],
    ['a web page', (a) => Buffer.alloc(a.bytes.length, '<html>'), 'IMAGE_MISMATCH', /something else comes/],
    ['changed in its first header', (a) => flipped(a.bytes, 3), 'IMAGE_MISMATCH', /something else comes/],
    [
      'changed in its manifest',
      (a) => flipped(a.bytes, 520),
      'IMAGE_MISMATCH',
      /content of sha256:\w+ is another/,
    ],
    [
      'changed in a layer',
      (a) => flipped(a.bytes, 50_000),
      'IMAGE_MISMATCH',
      /content of sha256:\w+ is another/,
    ],
    ['changed in its end', (a) => flipped(a.bytes, a.bytes.length - 1), 'IMAGE_MISMATCH', /its end is not/],
  ])('that is %s never shows its end', async (_what, damage, code, message) => {
    const archived = await createArchived();
    const { archive, root, imageId } = archived;
    const seen: Uint8Array[] = [];
    const pass = async (): Promise<void> => {
      for await (const part of verifiedArchive(inPieces(damage(archived)), archive, { root, imageId }))
        seen.push(part);
    };
    await expect(pass()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(Buffer.concat(seen).toString('latin1')).not.toContain('manifest.json');
  });

  it.each([false, true])(
    'is refused where it is right in itself and of another image (index: %s)',
    async (withIndex) => {
      const { archive, bytes, root, imageId } = await createArchived(withIndex);
      const other = digestOf('other');
      const pass = async (wanted: { root: typeof root; imageId: ImageId }): Promise<unknown> =>
        bytesOf(verifiedArchive(inPieces(bytes), archive, wanted));
      await expect(pass({ root: other, imageId })).rejects.toMatchObject({ code: 'IMAGE_MISMATCH' });
      await expect(pass({ root, imageId: other as string as ImageId })).rejects.toMatchObject({
        code: 'IMAGE_MISMATCH',
        message: expect.stringContaining('is not the image') as string,
      });
    },
  );

  it('is refused where its digest alone is another than the signed one', async () => {
    const { archive, bytes, root, imageId } = await createArchived();
    const wanted = { ...archive, digest: digestOf('other') };
    await expect(bytesOf(verifiedArchive(inPieces(bytes), wanted, { root, imageId }))).rejects.toMatchObject({
      message: 'it is not what was published: its digest is another one',
    });
  });
});
