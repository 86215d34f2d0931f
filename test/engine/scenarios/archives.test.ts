import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { type FleetHub, startHub } from '../../support/fleet-hub.ts';
import { flavours } from '../../support/flavours.ts';
import { type Registry, startRegistry } from '../../support/registry.ts';
import { type TarEntry, tarOf } from '../../support/tar.ts';
import {
  assertCode,
  createScene,
  everything,
  loadImage,
  onlyContainer,
  type Scene,
  statusOf,
  told,
} from './scene.ts';

/** A host that reads its manifest from a folder, a registry of its own, and whoever publishes to that folder. */
interface Ground {
  readonly scene: Scene;
  readonly registry: Registry;
  readonly store: string;
  readonly publish: (...args: readonly string[]) => ReturnType<Scene['run']>;
  /** The one archive there is. */
  readonly archive: () => Promise<string>;
}

const prepare = async (): Promise<Ground> => {
  const registry = await startRegistry();
  onTestFinished(async () => registry.remove());
  const store = await mkdtemp(join(tmpdir(), 'supercargo-store-'));
  onTestFinished(async () => rm(store, { recursive: true }));
  const environment = `t${randomUUID().slice(0, 8)}`;
  const scene = await createScene({
    registry,
    environment,
    env: { SUPERCARGO_MANIFEST_URL: `file://${store}/manifests/${environment}.json` },
  });
  await scene.compose(scene.web());
  const to = ['--to', store, '--insecure-unsigned'];
  return {
    scene,
    registry,
    store,
    publish: async (...args) => scene.run(['publish', environment, ...args, ...to]),
    archive: async () => {
      const [file, ...others] = await readdir(join(store, 'archives'));
      if (file === undefined || others.length > 0)
        throw new Error(`not one archive: ${[file, ...others].join()}`);
      return join(store, 'archives', file);
    },
  };
};

/** Published with its archive, and then the registry is gone. */
const published = async (): Promise<Ground> => {
  const ground = await prepare();
  const { scene, registry } = ground;
  const image = await scene.push('1.0.0');
  assertCode(await ground.publish(`web=${image.ref}`, '--archive'), 0);
  await registry.stop();
  return ground;
};

describe('publish --archive', () => {
  it('puts the image beside the manifest, named by its digest and signed with it, and docker load takes it', async () => {
    const { scene, store, publish, archive } = await prepare();
    const image = await scene.push('1.0.0');
    const first = await publish(`web=${image.ref}`, '--archive');
    assertCode(first, 0);
    expect(first.stdout).toMatch(/^archived web for linux\/\w+, [\d.]+ \w+, in /m);
    const file = await archive();
    const bytes = await readFile(file);
    const digest = createHash('sha256').update(bytes).digest('hex');
    expect(file.endsWith(`/archives/${digest}.tar`)).toBe(true);
    const manifest = JSON.parse(
      await readFile(join(store, 'manifests', `${scene.environment}.json`), 'utf8'),
    ) as {
      services: { web: { archives: object } };
    };
    expect(Object.values(manifest.services.web.archives)).toEqual([
      { digest: `sha256:${digest}`, size: bytes.length },
    ]);

    const again = await publish('web=1.0.0', '--archive');
    assertCode(again, 0);
    expect(again.stdout).not.toMatch(/archived/);
    assertCode(await publish('web=1.0.0'), 0);
    expect(await archive()).toBe(file);

    const answer = await text(await scene.docker.loadImage(createReadStream(file)));
    expect(answer).toContain(`Loaded image ID: ${image.imageId}`);
    await scene.docker.getImage(image.imageId).remove();
  });
});

describe('a host whose registry is away', () => {
  it('runs the published image from its archive, under its own name, and says so', async () => {
    const { scene } = await published();
    const once = await scene.once();
    assertCode(once, 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect((await statusOf(scene)).status.services[0]?.origin).toMatchObject({
      kind: 'archive',
      source: expect.stringMatching(/^file:\/\/\/.*\/archives\/[0-9a-f]{64}\.tar$/) as string,
      skipped: [{ code: 'REGISTRY' }],
    });
    expect(told(await scene.run(['status']))).toMatch(
      /web: its image came from file:.*\n {2}skipped 127\.0\.0\.1:\d+: .*refused/,
    );
    const { images } = (await everything(scene)) as { images: readonly string[] };
    expect(images).toEqual([
      `${scene.repository()}:1.0.0`,
      expect.stringContaining(`supercargo-${scene.environment}:web-`),
    ]);
    await scene.docker.getContainer((await onlyContainer(scene)).id).remove({ force: true });
    assertCode(await scene.once(), 0);
  });

  it('waits with SUPERCARGO_ARCHIVES=false', async () => {
    const { scene } = await published();
    assertCode(await scene.once({ SUPERCARGO_ARCHIVES: 'false' }), 2);
    expect(await onlyContainer(scene).catch(() => 'none')).toBe('none');
  });

  it('believes a registry that has no such image: an archive brings in nothing that the registry never had', async () => {
    const ground = await published();
    const { scene, registry } = ground;
    await rm(join(registry.folder, 'content'), { recursive: true });
    await registry.start();
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toMatch(/web: cannot pull .*(?:unknown|not found)/);
  });
});

/** In front of the published bytes: what would move somebody's tag and leave the folder, if an engine ever saw it. */
const withForeignName = (tag: string, bytes: Buffer): Buffer => {
  const entries: readonly TarEntry[] = [
    { path: '../../../../../../tmp/supercargo-was-here', content: 'x' },
    { path: 'manifest.json', content: JSON.stringify([{ Config: 'c.json', RepoTags: [tag], Layers: [] }]) },
    { path: 'c.json', content: JSON.stringify({ rootfs: { type: 'layers', diff_ids: [] } }) },
  ];
  return Buffer.concat([tarOf(entries), bytes]);
};

describe('an archive', () => {
  it.each<[string, (bytes: Buffer, foreign: string) => Buffer, RegExp]>([
    ['cut in its last bytes', (bytes) => bytes.subarray(0, -1500), /it ends after \d+ of \d+ bytes/],
    [
      'with a name and a path of somebody else in it',
      (bytes, foreign) => withForeignName(foreign, bytes),
      /is expected, and something else comes/,
    ],
  ])(
    '%s is not loaded: no name moves, nothing is written, and the host waits',
    async (_what, damage, cause) => {
      const { scene, archive } = await published();
      const name = `${scene.environment}-foreign:1.0.0`;
      const id = await loadImage(scene.docker, [name], '1.0.0', flavours.chatty);
      onTestFinished(async () => void (await scene.docker.getImage(name).remove({ force: true })));
      const before = await everything(scene);
      const file = await archive();
      await writeFile(file, damage(await readFile(file), name));
      const once = await scene.once();
      assertCode(once, 2);
      expect(once.stdout).toMatch(cause);
      expect(await everything(scene)).toEqual(before);
      expect((await scene.docker.getImage(name).inspect()).Id).toBe(id);
      await expect(readFile('/tmp/supercargo-was-here')).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );
});

describe('a hub', () => {
  let hub: FleetHub;
  beforeAll(async () => {
    hub = await startHub(['--max-archive', '64M']);
    return async () => hub.remove();
  });

  it('keeps archives for the hosts that read manifests from it, and what is promoted is there already', async () => {
    const registry = await startRegistry();
    onTestFinished(async () => registry.remove());
    const environment = `t${randomUUID().slice(0, 8)}`;
    const scene = await createScene({
      registry,
      environment,
      env: { SUPERCARGO_MANIFEST_URL: `${hub.url}/manifests/${environment}.json` },
    });
    await scene.compose(scene.web());
    const env = { SUPERCARGO_STORE: hub.url, SUPERCARGO_PUBLISH_TOKEN: hub.publishToken };
    const image = await scene.push('1.0.0');
    const staging = `${environment}-s`;
    assertCode(
      await scene.run(['publish', staging, `web=${image.ref}`, '--insecure-unsigned', '--archive'], { env }),
      0,
    );
    assertCode(
      await scene.run(['promote', staging, environment, '--insecure-unsigned', '--create'], { env }),
      0,
    );
    await registry.stop();
    assertCode(await scene.once(), 0);
    expect((await statusOf(scene)).status.services[0]?.origin?.source).toContain(`${hub.url}/archives/`);

    const listed = JSON.parse((await hub.read('archives/')) ?? '{}') as { names: readonly string[] };
    expect(listed.names).toHaveLength(1);
    const path = `archives/${listed.names[0] ?? ''}`;
    expect(await hub.put(path, 'another content')).toBe(422);
    expect(await hub.put('archives/../manifests/x.json', 'x')).not.toBe(201);
    const nobody = await fetch(`${hub.url}/${path}`, { method: 'PUT', body: 'x' });
    expect(nobody.status).toBe(401);
    expect((await fetch(`${hub.url}/${path}`)).headers.get('content-length')).toMatch(/^\d{4,}$/);
    const tooLarge = await fetch(`${hub.url}/archives/${'0'.repeat(64)}.tar`, {
      method: 'PUT',
      body: Buffer.alloc(65 * 1024 * 1024),
      headers: { authorization: `Bearer ${hub.publishToken}` },
    }).catch(() => undefined);
    // Refused before its body was read: the connection may end first.
    expect([413, undefined]).toContain(tooLarge?.status);
  });
});
