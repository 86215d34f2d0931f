import type Docker from 'dockerode';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Flavour } from './flavours.ts';
import { type Blob, type ImageContent, MANIFEST_TYPE, createImageBuilder } from './image-content.ts';
import type { Credentials, RegistryAddress } from './registry.ts';
import { tarOf } from './tar.ts';

export interface PushedImage {
  /** `127.0.0.1:PORT/org/web`, what a compose file says. */
  readonly repository: string;
  readonly tag: string;
  /** `repository:tag`. */
  readonly ref: string;
  /** Of the manifest in the registry. */
  readonly digest: string;
  /** `repository:tag@digest`, what a manifest says. */
  readonly pinned: string;
  /** Config digest. */
  readonly imageId: string;
}

const basicAuth = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const call = async (
  registry: RegistryAddress,
  url: string,
  init: RequestInit,
  expected: number,
): Promise<Response> => {
  const headers = new Headers(init.headers);
  if (registry.credentials) headers.set('authorization', basicAuth(registry.credentials));
  const response = await fetch(new URL(url, `http://${registry.address}`), { ...init, headers });
  // The body is always read: an unread one keeps the connection busy.
  const body = await response.text();
  if (response.status === expected) return response;
  throw new Error(`${init.method ?? 'GET'} ${url}: ${String(response.status)} ${body.slice(0, 300)}`);
};

const hasBlob = async (registry: RegistryAddress, path: string, blob: Blob): Promise<boolean> => {
  const found = call(registry, `/v2/${path}/blobs/${blob.digest}`, { method: 'HEAD' }, 200);
  return found.then(
    () => true,
    () => false,
  );
};

const putBlob = async (registry: RegistryAddress, path: string, blob: Blob): Promise<void> => {
  if (await hasBlob(registry, path, blob)) return;
  const started = await call(registry, `/v2/${path}/blobs/uploads/`, { method: 'POST' }, 202);
  const upload = new URL(started.headers.get('location') ?? '', `http://${registry.address}`);
  upload.searchParams.set('digest', blob.digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await call(registry, upload.href, { method: 'PUT', headers, body: new Uint8Array(blob.bytes) }, 201);
};

export interface ImagePusher {
  /** Builds an image from scratch and pushes it over the registry's API: no engine knows it before it pulls. About 20 ms. */
  readonly push: (
    registry: RegistryAddress,
    path: string,
    tag: string,
    flavour: Flavour,
  ) => Promise<PushedImage>;
  /** Puts an image into the engine as `docker load` does, under these names. Resolves with its id. */
  readonly load: (
    docker: Docker,
    names: readonly string[],
    version: string,
    flavour: Flavour,
  ) => Promise<string>;
  /** What `docker save` would write. */
  readonly archive: (
    names: readonly string[],
    version: string,
    flavour: Flavour,
  ) => { tar: Buffer; imageId: string };
}

const fileOf = (blob: Blob, suffix: string): string => blob.digest.replace('sha256:', '') + suffix;

const archiveOf = (names: readonly string[], { layers, config }: ImageContent): Buffer => {
  const index = [
    {
      Config: fileOf(config, '.json'),
      RepoTags: names,
      Layers: layers.map((layer) => fileOf(layer.plain, '.tar')),
    },
  ];
  return tarOf([
    ...layers.map((layer) => ({ path: fileOf(layer.plain, '.tar'), content: layer.plain.bytes })),
    { path: fileOf(config, '.json'), content: config.bytes },
    { path: 'manifest.json', content: JSON.stringify(index) },
  ]);
};

/** Pushes an image over the registry's API. */
export const pushContent = async (
  registry: RegistryAddress,
  path: string,
  tag: string,
  { layers, config, manifest }: ImageContent,
): Promise<void> => {
  const blobs = [...layers.map((layer) => layer.compressed), config];
  await Promise.all(blobs.map(async (blob) => putBlob(registry, path, blob)));
  const headers = { 'content-type': MANIFEST_TYPE };
  const body = new Uint8Array(manifest.bytes);
  await call(registry, `/v2/${path}/manifests/${tag}`, { method: 'PUT', headers, body }, 201);
};

/** Puts an image into the engine as `docker load` does, under these names. Resolves with its id. */
export const loadImage = async (
  docker: Docker,
  names: readonly string[],
  content: ImageContent,
): Promise<string> => {
  const stream = await docker.loadImage(Readable.from([archiveOf(names, content)]), { quiet: true });
  const answer = await text(stream);
  if (/"error"/.test(answer)) throw new Error(`cannot load ${names.join(', ')}: ${answer}`);
  return content.config.digest;
};

export const createImagePusher = (): ImagePusher => {
  const build = createImageBuilder();
  const archive: ImagePusher['archive'] = (names, version, flavour) => {
    const content = build(version, flavour);
    return { tar: archiveOf(names, content), imageId: content.config.digest };
  };
  return {
    archive,
    push: async (registry, path, tag, flavour) => {
      const content = build(tag, flavour);
      await pushContent(registry, path, tag, content);
      const repository = `${registry.address}/${path}`;
      const ref = `${repository}:${tag}`;
      const { config, manifest } = content;
      const { digest } = manifest;
      return { repository, tag, ref, digest, pinned: `${ref}@${digest}`, imageId: config.digest };
    },
    load: async (docker, names, version, flavour) => loadImage(docker, names, build(version, flavour)),
  };
};

/** Pulls as `docker pull` does, with the registry's credentials. @throws with the error line of the stream. */
export const pullImage = async (docker: Docker, ref: string, credentials?: Credentials): Promise<void> => {
  const stream: NodeJS.ReadableStream = await docker.pull(
    ref,
    credentials ? { authconfig: { ...credentials, serveraddress: '' } } : {},
  );
  const progress = await text(stream);
  const failure = progress.split('\n').find((line) => line.includes('"error"'));
  if (failure !== undefined) throw new Error(`cannot pull ${ref}: ${failure}`);
};

/** Removes every image of this registry from the engine: tests leave nothing on a machine's own engine. */
export const removeImagesOf = async (docker: Docker, { address }: RegistryAddress): Promise<void> => {
  const isOurs = (name: string): boolean => name.startsWith(`${address}/`);
  const images = await docker.listImages({ all: true });
  const ours = images.filter(({ RepoTags, RepoDigests }) =>
    [...(RepoTags ?? []), ...(RepoDigests ?? [])].some(isOurs),
  );
  await Promise.allSettled(ours.map(async ({ Id }) => docker.getImage(Id).remove({ force: true })));
};
