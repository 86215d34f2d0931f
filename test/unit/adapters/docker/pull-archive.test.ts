import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { pullImage } from '../../../../src/adapters/docker/pull.ts';
import { AgentError } from '../../../../src/core/errors.ts';
import type { ImageId } from '../../../../src/core/image/reference.ts';
import { digestOf, never } from '../../../support/archived.ts';
import { releaseOf } from '../../../support/release-of.ts';
import { NO_SOURCES } from '../../../support/world.ts';

const { image } = releaseOf('restart: "no"');
const archive = { digest: digestOf('archive'), bytes: 1_000 };
const archived = { ...image, imageId: digestOf('config') as string as ImageId, archive };

/** A pull whose registry says these words, with an archive that cannot be read. */
const pullWith = async (words: string, room: (bytes: number) => Promise<void>) => {
  const asked: string[] = [];
  const docker = {
    createImage: async () => Promise.resolve(Readable.from([`${JSON.stringify({ error: words })}\n`])),
    loadImage: async (content: Readable) => {
      for await (const _ of content) asked.push('a byte');
    },
  } as unknown as Docker;
  const archives = {
    nameOf: () => 'https://store.example.com/archives/x.tar',
    open: () => {
      asked.push('open');
      throw new AgentError('STORE', 'it cannot be read: 503', { fields: { retryAfterMs: 7_000 } });
    },
  };
  const pulled = pullImage(
    docker,
    { ...NO_SOURCES, archives },
    { image: archived, requireDiskSpace: room },
    () => undefined,
    never,
  );
  const error: unknown = await pulled.then(() => 'it succeeded').catch((thrown: unknown) => thrown);
  return { asked, error };
};

const hasRoom = async (): Promise<void> => Promise.resolve();

describe('an archive', () => {
  it.each([
    ['toomanyrequests: rate limit', 'REGISTRY'],
    ['unauthorized: authentication required', 'REGISTRY_AUTH'],
    ['dial tcp: connection refused', 'REGISTRY'],
  ])('is asked for where the registry says: %s', async (words, code) => {
    const { asked, error } = await pullWith(words, hasRoom);
    expect(asked).toEqual(['open']);
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(
        /; https:\/\/store\.example\.com\/archives\/x\.tar: it cannot be read: 503$/,
      ) as string,
      // The floor of the next try.
      fields: { retryAfterMs: 7_000 },
    });
  });

  it.each([
    ['manifest unknown: manifest unknown', 'IMAGE_NOT_FOUND'],
    ['manifest verification failed for digest sha256:1', 'IMAGE_MISMATCH'],
    ['write /var/lib/docker/tmp/x: no space left on device', 'DISK_FULL'],
  ])('is not asked for where the registry says: %s', async (words, code) => {
    const { asked, error } = await pullWith(words, hasRoom);
    expect(asked).toEqual([]);
    expect(error).toMatchObject({ code });
  });

  it('is not asked for without room for it, unpacked too, and that is what is told', async () => {
    const wanted: number[] = [];
    const { asked, error } = await pullWith('connection refused', async (bytes) => {
      wanted.push(bytes);
      return Promise.reject(new AgentError('DISK_FULL', 'cannot load its archive: only 1 MiB free'));
    });
    expect([asked, wanted]).toEqual([[], [3_000]]);
    expect(error).toMatchObject({ code: 'DISK_FULL' });
  });
});
