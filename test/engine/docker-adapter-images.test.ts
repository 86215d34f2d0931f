import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ImageId } from '../../src/core/image/reference.ts';
import type { ReleaseImage } from '../../src/core/state/release.ts';
import { codeOf, createAdapterBench, failure, imageOf, never } from '../support/adapter-bench.ts';
import { flavours } from '../support/flavours.ts';
import type { PushedImage } from '../support/images.ts';
import { freePort } from '../support/ports.ts';
import { type RegistryAddress, startRegistry } from '../support/registry.ts';

const bench = createAdapterBench();
const { docker, pusher, engine, engineWith, apply, unique } = bench;

beforeAll(async () => bench.prepare());
afterEach(async () => bench.clean());
afterAll(async () => bench.end());

/** An image that no engine knows: its own layer, its own config. */
const pushed = async (registry: RegistryAddress = inject('registry')): Promise<PushedImage> => {
  const name = unique();
  const flavour = { ...flavours.web, entry: `# ${name}\n${flavours.web.entry}` };
  return pusher.push(registry, `adapter/${name}`, '1.0.0', flavour);
};

describe('a pull by digest', () => {
  it('brings the image, tells its progress, and gives it its tag', async () => {
    const image = await pushed();
    const progress = await apply({
      kind: 'pull',
      image: imageOf(image.pinned, { imageId: image.imageId as ImageId }),
    });
    const last = progress.at(-1);
    expect(last).toMatchObject({ layersDone: 2, layersTotal: 2 });
    expect(last?.bytesDone).toBe(last?.bytesTotal);
    const info = await docker.getImage(image.imageId).inspect();
    expect(info.RepoTags).toEqual([image.ref]);
    expect(info.RepoDigests).toEqual([`${image.repository}@${image.digest}`]);
  });

  it('is refused when the image is not the one that was signed', async () => {
    const image = await pushed();
    const imageId = `sha256:${'1'.repeat(64)}` as ImageId;
    const error = await failure(apply({ kind: 'pull', image: imageOf(image.pinned, { imageId }) }));
    expect([error.code, error.retry]).toEqual(['IMAGE_MISMATCH', 'changed']);
    expect((await docker.getImage(image.imageId).inspect()).RepoTags).toEqual([]);
  });

  it('of what is not there says so', async () => {
    const image = await pushed();
    const missing = `${image.repository}@sha256:${'2'.repeat(64)}`;
    expect(await codeOf(apply({ kind: 'pull', image: imageOf(missing) }))).toBe('IMAGE_NOT_FOUND');
    const elsewhere = `${inject('registry').address}/adapter/nothing@${image.digest}`;
    expect(await codeOf(apply({ kind: 'pull', image: imageOf(elsewhere) }))).toBe('IMAGE_NOT_FOUND');
  });

  it('needs the right password', async () => {
    const registry = inject('lockedRegistry');
    const image = imageOf((await pushed(registry)).pinned);
    expect(await codeOf(apply({ kind: 'pull', image }))).toBe('REGISTRY_AUTH');
    const wrong = engineWith({ username: 'deploy', password: 'wrong' });
    expect(await codeOf(apply({ kind: 'pull', image }, wrong))).toBe('REGISTRY_AUTH');
    expect(await apply({ kind: 'pull', image }, engineWith(registry.credentials))).not.toEqual([]);
  });

  it('from a registry that is away is tried again later', async () => {
    const image = imageOf(`127.0.0.1:${String(await freePort())}/org/web@sha256:${'3'.repeat(64)}`);
    const error = await failure(apply({ kind: 'pull', image }));
    expect([error.code, error.retry]).toEqual(['REGISTRY', 'later']);
  });
});

const meaning = async (ref: string, on = engine, changes: Partial<ReleaseImage> = {}) =>
  on.resolveTag(imageOf(ref, changes), never);

describe('what a tag means', () => {
  it('is the digest that the registry gives, whatever is here', async () => {
    const image = await pushed();
    await pusher.load(docker, [image.ref], 'another', flavours.web);
    expect(await meaning(image.ref)).toEqual({ kind: 'digest', digest: image.digest });
    await docker.getImage(image.ref).remove();
  });

  it('is unknown where the registry has no such tag', async () => {
    const image = await pushed();
    expect(await codeOf(meaning(`${image.repository}:9.9.9`))).toBe('IMAGE_NOT_FOUND');
    expect(await codeOf(meaning(`${inject('registry').address}/adapter/nothing:1.0.0`))).toBe(
      'IMAGE_NOT_FOUND',
    );
  });

  it('needs the right password', async () => {
    const registry = inject('lockedRegistry');
    const image = await pushed(registry);
    expect(await codeOf(meaning(image.ref))).toBe('REGISTRY_AUTH');
    expect(await codeOf(meaning(image.ref, engineWith({ username: 'deploy', password: 'wrong' })))).toBe(
      'REGISTRY_AUTH',
    );
    expect(await meaning(image.ref, engineWith(registry.credentials))).toEqual({
      kind: 'digest',
      digest: image.digest,
    });
  });

  it('is the local image while the registry is away, if there is one', async () => {
    const registry = await startRegistry();
    try {
      const image = await pushed(registry);
      await registry.stop();
      const error = await failure(meaning(image.ref));
      expect([error.code, error.retry]).toEqual(['REGISTRY', 'later']);
      const imageId = await pusher.load(docker, [image.ref], '1.0.0', flavours.web);
      expect(await meaning(image.ref)).toEqual({ kind: 'local', imageId });
      await docker.getImage(image.ref).remove();
    } finally {
      await registry.remove();
    }
  });

  it('is the local image where the policy forbids to ask', async () => {
    const image = await pushed();
    expect(await codeOf(meaning(image.ref, engine, { pullPolicy: 'never' }))).toBe('IMAGE_NOT_FOUND');
    expect(await meaning(bench.image.name, engine, { pullPolicy: 'never' })).toEqual({
      kind: 'local',
      imageId: bench.image.id,
    });
  });
});
