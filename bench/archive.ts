/**
 * npm run bench:archive              memory and time of an image that travels as an archive
 * npm run bench:archive -- --json    the same as JSON
 * npm run bench:archive -- --mib 512
 * The same with a small image first, as the yardstick: what is streamed costs the same memory, however much
 * it is. The memory is the highest that the kernel has seen of each process (VmHWM).
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startService } from '../test/support/command.ts';
import { ensureEngine } from '../test/support/engine.ts';
import { flavours } from '../test/support/flavours.ts';
import { startHub } from '../test/support/fleet-hub.ts';
import { createTestHost, supercargo } from '../test/support/host.ts';
import { createImageBuilder, MANIFEST_TYPE } from '../test/support/image-content.ts';
import { createImagePusher, removeImagesOf } from '../test/support/images.ts';
import { type RegistryAddress, startRegistry } from '../test/support/registry.ts';
import { headerOf } from '../test/support/tar.ts';
import { buildBundle } from '../scripts/build.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, mib: { type: 'string', default: '2048' } },
});
const say = (line: string): void => {
  if (!values.json) console.log(line);
};

const MIB = 1024 ** 2;

interface LargeLayer {
  readonly digest: string;
  readonly bytes: number;
  readonly file: string;
}

/** A layer of one file of incompressible bytes, in a file, since it is too large for anything else. */
const writeLayer = async (file: string, mib: number): Promise<LargeLayer> => {
  const hash = createHash('sha256');
  const handle = await open(file, 'w');
  const put = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    await handle.writeFile(bytes);
  };
  await put(headerOf({ path: 'large', content: '' }, mib * MIB));
  for (let n = 0; n < mib; n += 1) await put(randomBytes(MIB));
  await put(Buffer.alloc(1024));
  await handle.close();
  const { size: bytes } = await stat(file);
  return { digest: `sha256:${hash.digest('hex')}`, bytes, file };
};

const expectOk = async (response: Response): Promise<Response> => {
  if (response.ok) return response;
  throw new Error(`${response.url}: ${String(response.status)} ${await response.text()}`);
};

/** An image that serves as others do, with this layer on top. Resolves with its name. */
const pushLarge = async (registry: RegistryAddress, path: string, layer: LargeLayer): Promise<string> => {
  const base = `http://${registry.address}/v2/${path}`;
  await createImagePusher().push(registry, path, '1.0.0', flavours.web);
  const content = createImageBuilder()('1.0.0', flavours.web);
  const config = JSON.parse(content.config.bytes.toString()) as {
    rootfs: { diff_ids: string[] };
    history: unknown;
  };
  config.rootfs.diff_ids.push(layer.digest);
  delete config.history;
  const configBytes = Buffer.from(JSON.stringify(config));
  const configDigest = `sha256:${createHash('sha256').update(configBytes).digest('hex')}`;
  const put = async (digest: string, bytes: number, body: RequestInit['body']): Promise<void> => {
    const begun = await expectOk(await fetch(`${base}/blobs/uploads/`, { method: 'POST' }));
    const url = new URL(begun.headers.get('location') ?? '', base);
    url.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes) };
    await expectOk(await fetch(url, { method: 'PUT', headers, body, duplex: 'half' } as RequestInit));
  };
  await put(configDigest, configBytes.length, configBytes);
  await put(layer.digest, layer.bytes, Readable.toWeb(createReadStream(layer.file)));
  const manifest = JSON.parse(content.manifest.bytes.toString()) as { config: object; layers: object[] };
  manifest.config = { ...manifest.config, digest: configDigest, size: configBytes.length };
  const mediaType = 'application/vnd.docker.image.rootfs.diff.tar';
  manifest.layers.push({ mediaType, digest: layer.digest, size: layer.bytes });
  const headers = { 'content-type': MANIFEST_TYPE };
  const body = JSON.stringify(manifest);
  await expectOk(await fetch(`${base}/manifests/1.0.0`, { method: 'PUT', headers, body }));
  return `${registry.address}/${path}`;
};

/** The highest memory of a process while it lives, in MiB. */
const watchMemory = async (pid: number, ended: Promise<unknown>): Promise<number> => {
  const state = { isOver: false };
  void ended.finally(() => (state.isOver = true));
  let highest = 0;
  while (!state.isOver) {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
    highest = Math.max(highest, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
    await sleep(50);
  }
  return Math.round(highest);
};

interface Cost {
  readonly mib: number;
  readonly seconds: number;
}

const runMeasured = async (
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  logFile: string,
): Promise<Cost> => {
  const started = performance.now();
  const service = startService(supercargo, words, { env, logFile });
  const mib = await watchMemory(service.pid, service.ended);
  const code = await service.ended;
  if (code !== 0)
    throw new Error(`${words.join(' ')} ended with ${String(code)}:\n${await readFile(logFile, 'utf8')}`);
  return { mib, seconds: Math.round((performance.now() - started) / 100) / 10 };
};

const engine = await ensureEngine({ say });
await buildBundle();
const { docker, dockerHost } = engine;

const measure = async (mib: number) => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-bench-'));
  const registry = await startRegistry();
  const hub = await startHub();
  const environment = `bench${String(mib)}`;
  const env = { SUPERCARGO_MANIFEST_URL: `${hub.url}/manifests/${environment}.json` };
  const host = await createTestHost({ dockerHost, docker, environment, env });
  try {
    say(`» an image of ${String(mib)} MiB`);
    const layer = await writeLayer(join(folder, 'layer'), mib);
    const repository = await pushLarge(registry, environment, layer);
    const publisherEnv = {
      ...host.env,
      TMPDIR: folder,
      SUPERCARGO_STORE: hub.url,
      SUPERCARGO_PUBLISH_TOKEN: hub.publishToken,
    };
    const words = ['publish', environment, `web=${repository}:1.0.0`, '--insecure-unsigned', '--archive'];
    const publish = await runMeasured(words, publisherEnv, join(folder, 'publish.log'));
    await registry.stop();
    await host.compose(
      `services:\n  web:\n    image: ${repository}\n    deploy: {update_config: {monitor: 1s}}\n`,
    );
    const load = await runMeasured(['once'], host.env, join(folder, 'once.log'));
    const status = await readFile(`/proc/${String(hub.pid())}/status`, 'utf8');
    const hubMib = Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
    return { imageMib: mib, publish, hub: { mib: hubMib }, host: load };
  } finally {
    await host.cleanup();
    await removeImagesOf(docker, registry);
    await hub.remove();
    await registry.remove();
    await rm(folder, { recursive: true });
  }
};

try {
  const results = [await measure(8), await measure(Number(values.mib))];
  if (values.json) console.log(JSON.stringify({ results }));
  else
    for (const r of results)
      console.log(
        `image ${String(r.imageMib).padStart(5)} MiB · publisher ${String(r.publish.mib)} MiB, ${String(r.publish.seconds)} s · hub ${String(r.hub.mib)} MiB · host ${String(r.host.mib)} MiB, ${String(r.host.seconds)} s`,
      );
} finally {
  await engine.release();
}
