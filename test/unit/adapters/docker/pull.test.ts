import { PassThrough, Readable } from 'node:stream';
import type Docker from 'dockerode';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { pullImage } from '../../../../src/adapters/docker/pull.ts';
import { mirrorsIn } from '../../../support/world.ts';
import type { ImageId } from '../../../../src/core/image/reference.ts';
import type { PullProgress } from '../../../../src/core/ports/engine.ts';
import type { ReleaseImage } from '../../../../src/core/state/release.ts';
import { releaseOf, SOME_DIGEST } from '../../../support/release-of.ts';

const signal = new AbortController().signal;
const { image } = releaseOf('restart: "no"');
const ID = `sha256:${'1'.repeat(64)}`;
const OTHER = `sha256:${'2'.repeat(64)}`;

interface Local {
  readonly Id: string;
  readonly RepoDigests?: readonly string[];
}

/** An engine whose pull says these lines, and which has this image afterwards. */
const engineThat = (stream: Readable | (() => Readable), local: Local | undefined, mirrors = '') => {
  const named: string[] = [];
  const docker = {
    createImage: async () => Promise.resolve(typeof stream === 'function' ? stream() : stream),
    getImage: (name: string) => ({
      inspect: async () =>
        local ? Promise.resolve(local) : Promise.reject(Object.assign(new Error(name), { statusCode: 404 })),
      tag: async ({ repo, tag }: { repo: string; tag: string }) => {
        named.push(`${repo}:${tag}`);
        return Promise.resolve();
      },
    }),
  } as unknown as Docker;
  const logins: string[] = [];
  const credentials = {
    for: async (repository: string) => {
      logins.push(repository);
      return Promise.resolve(undefined);
    },
  };
  const progress: PullProgress[] = [];
  const pull = async (wanted: ReleaseImage = image) =>
    pullImage(
      docker,
      { credentials, mirrors: mirrorsIn(mirrors) },
      { image: wanted, keepAs: 'keep/test:web', requireDiskSpace: async () => Promise.resolve() },
      (p) => progress.push(p),
      signal,
    );
  return { pull, named, logins, progress };
};

const said = (...lines: readonly (object | string)[]): Readable =>
  Readable.from(lines.map((l) => `${typeof l === 'string' ? l : JSON.stringify(l)}\n`));

const ours = `org/web@${SOME_DIGEST}`;

describe('a pull', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('that was refused hears nothing of an engine that dies a moment later', async () => {
    const stream = new PassThrough();
    stream.write('{"error":"manifest unknown"}\n');
    await expect(engineThat(stream, undefined).pull()).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    expect(stream.destroyed).toBe(true);
    // Without a listener this would end the program.
    expect(stream.emit('error', new Error('aborted'))).toBe(true);
  });

  it('passes over lines that say nothing', async () => {
    const { pull, progress } = engineThat(said('null', '', '7', '"x"', '[]'), {
      Id: ID,
      RepoDigests: [ours],
    });
    await expect(pull()).resolves.toMatchObject({ kind: 'registry' });
    expect(progress).toEqual([]);
  });

  it('has a sum however much an engine says', async () => {
    const line = '{"id":"ID","status":"Downloading","progressDetail":{"current":1e999,"total":1e308}}';
    const lines = ['a', 'b'].map((letter) => line.replace('ID', letter.repeat(12)));
    const { pull, progress } = engineThat(said(...lines), { Id: ID, RepoDigests: [ours] });
    await pull();
    expect(progress.at(-1)).toEqual({ layersDone: 0, layersTotal: 2, bytesDone: 0, bytesTotal: 0 });
  });

  it('counts only what is a number', async () => {
    const { pull, progress } = engineThat(
      said({ id: 'a'.repeat(12), status: 'Downloading', progressDetail: { current: {}, total: '9' } }),
      { Id: ID, RepoDigests: [ours] },
    );
    await pull();
    expect(progress).toEqual([{ layersDone: 0, layersTotal: 1, bytesDone: 0, bytesTotal: 0 }]);
  });

  it.each([
    ['manifest unknown: manifest unknown', 'IMAGE_NOT_FOUND', 'changed'],
    ['toomanyrequests: You have reached your pull rate limit', 'REGISTRY', 'later'],
    ['unauthorized: authentication required', 'REGISTRY_AUTH', 'changed'],
    ['write /var/lib/docker/tmp/x: no space left on device', 'DISK_FULL', 'changed'],
    ['unexpected EOF', 'REGISTRY', 'later'],
  ])('fails with an error that comes in the middle of its stream: %s', async (words, code, retry) => {
    // The image is here from before, and still the pull has failed.
    const { pull, named } = engineThat(
      said({ status: 'Pulling fs layer', id: 'a'.repeat(12) }, { error: words }),
      {
        Id: ID,
        RepoDigests: [ours],
      },
    );
    await expect(pull()).rejects.toMatchObject({ code, retry });
    expect(named).toEqual([]);
  });

  it.each([
    ['closed before anything came', said()],
    ['closed in the middle of a line', said({ status: 'Downloading', id: 'a'.repeat(12) }, '{"stat')],
  ])('is no success because its stream was %s: the image has to be here', async (_what, stream) => {
    const { pull } = engineThat(stream, undefined);
    await expect(pull()).rejects.toMatchObject({
      code: 'IMAGE_MISMATCH',
      message: expect.stringContaining('nothing') as string,
    });
  });

  it('whose stream tears says so', async () => {
    const stream = new PassThrough();
    const { pull } = engineThat(stream, { Id: ID, RepoDigests: [ours] });
    const pulled = pull();
    stream.write('{"status":"Downloading"}\n');
    stream.destroy(new Error('read tcp: connection reset by peer'));
    await expect(pulled).rejects.toMatchObject({ code: 'REGISTRY', retry: 'later' });
  });

  it.each<[string, Local, Partial<ReleaseImage>]>([
    ['its digest, not its id', { Id: ID, RepoDigests: [ours] }, {}],
    ['its digest behind another repository’s', { Id: ID, RepoDigests: [`org/db@${OTHER}`, ours] }, {}],
    ['its digest as the id, with the containerd image store', { Id: SOME_DIGEST, RepoDigests: [] }, {}],
    ['its signed id', { Id: ID, RepoDigests: [ours] }, { imageId: ID as ImageId }],
  ])('is proved by %s, and gets its names', async (_what, local, more) => {
    const { pull, named } = engineThat(said({ status: 'Status: Image is up to date' }), local);
    await pull({ ...image, ...more });
    expect(named.toSorted()).toEqual(['keep/test:web', 'org/web:1.0.0']);
  });

  it.each<[string, Local, Partial<ReleaseImage>]>([
    ['another digest', { Id: ID, RepoDigests: [`org/web@${OTHER}`] }, {}],
    ['its digest in another repository only', { Id: ID, RepoDigests: [`org/db@${SOME_DIGEST}`] }, {}],
    ['another id than the signed one', { Id: ID, RepoDigests: [ours] }, { imageId: OTHER as ImageId }],
  ])('that brings %s is refused, and nothing gets its name', async (_what, local, more) => {
    const { pull, named } = engineThat(said(), local);
    await expect(pull({ ...image, ...more })).rejects.toMatchObject({
      code: 'IMAGE_MISMATCH',
      retry: 'changed',
      advice: expect.stringContaining('find out why') as string,
    });
    expect(named).toEqual([]);
  });

  it('may take as long as it likes while something arrives, and is given up after silence', async () => {
    vi.useFakeTimers();
    const stream = new PassThrough();
    const { pull, progress } = engineThat(stream, { Id: ID, RepoDigests: [ours] });
    let ended: unknown = 'not yet';
    const pulled = pull().catch((error: unknown) => {
      ended = error;
    });
    for (let minute = 1; minute <= 60; minute += 1) {
      const progressDetail = { current: minute, total: 100 };
      stream.write(`${JSON.stringify({ status: 'Downloading', id: 'a'.repeat(12), progressDetail })}\n`);
      await vi.advanceTimersByTimeAsync(119_000);
      expect(ended).toBe('not yet');
    }
    expect(progress.at(-1)).toEqual({ layersDone: 0, layersTotal: 1, bytesDone: 60, bytesTotal: 100 });
    await vi.advanceTimersByTimeAsync(2_000);
    await pulled;
    expect(ended).toMatchObject({
      code: 'REGISTRY',
      retry: 'later',
      message: expect.stringContaining('nothing arrived for 120 s') as string,
    });
  });

  it('from a mirror that delivers next to nothing is given up, and its registry is asked', async () => {
    vi.useFakeTimers();
    const trickling = new PassThrough();
    const streams = [trickling, said({ status: 'Status: Downloaded newer image' })];
    const { pull } = engineThat(
      () => streams.shift() ?? said(),
      { Id: ID, RepoDigests: [ours] },
      'docker.io=https://m.example.com',
    );
    let origin: unknown = 'not yet';
    const pulled = (async () => {
      origin = await pull();
    })();
    for (let second = 1; second < 60; second += 1) {
      const progressDetail = { current: second, total: 100 };
      trickling.write(`${JSON.stringify({ status: 'Downloading', id: 'a'.repeat(12), progressDetail })}\n`);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(origin).toBe('not yet');
    }
    await vi.advanceTimersByTimeAsync(2_000);
    await pulled;
    expect(origin).toEqual({
      kind: 'registry',
      source: 'docker.io',
      skipped: [
        {
          source: 'https://m.example.com',
          code: 'REGISTRY',
          message: 'it cannot be pulled there: next to nothing arrived for 60 s',
        },
      ],
    });
  });

  it('asks nobody else once the disk is full', async () => {
    const streams = [said({ error: 'no space left on device' })];
    const { pull } = engineThat(
      () => streams.shift() ?? said(),
      undefined,
      'docker.io=https://m.example.com',
    );
    await expect(pull()).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  it('says of every source why it gave nothing, and is judged by the registry', async () => {
    const streams = [said({ error: 'unauthorized' }), said({ error: 'manifest unknown' })];
    const { pull } = engineThat(
      () => streams.shift() ?? said(),
      undefined,
      'docker.io=https://m.example.com',
    );
    await expect(pull()).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(
        /^cannot pull org\/web:.*: manifest unknown; https:\/\/m\.example\.com: .*unauthorized$/,
      ) as string,
    });
  });

  it('reads the login anew each time', async () => {
    const { pull, logins } = engineThat(() => said(), { Id: ID, RepoDigests: [ours] });
    await pull();
    await pull();
    expect(logins).toEqual(['docker.io/org/web', 'docker.io/org/web']);
  });
});
