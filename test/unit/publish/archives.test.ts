import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSpool } from '../../../src/adapters/spool.ts';
import { archivePath, historyPath, manifestPath } from '../../../src/core/fleet/store-layout.ts';
import { type ImageId, parseImage } from '../../../src/core/image/reference.ts';
import type { ManifestService } from '../../../src/core/manifest/manifest.ts';
import { draft } from '../../../src/core/publish/draft.ts';
import { renderManifest } from '../../../src/core/publish/render-manifest.ts';
import type { ArchiveStore, StoredArchive } from '../../../src/core/ports/archive-store.ts';
import { createArchivist } from '../../../src/publish/archives.ts';
import { createBlobs, digestOf, never, startBlobRegistry } from '../../support/archived.ts';
import { createMemoryStore, type MemoryStore } from '../../support/memory-store.ts';

const DAY_MS = 24 * 3600 * 1000;
const NOW_MS = 100 * DAY_MS;

/** Archives in memory, listed among the documents as a store lists them. */
const memoryArchives = (documents: MemoryStore) => {
  const stored = new Map<string, StoredArchive>();
  const puts: string[] = [];
  const keep = (path: string, bytes: number, ageMs: number): void => {
    stored.set(path, { bytes, modifiedAtMs: NOW_MS - ageMs });
    documents.documents.set(path, new Uint8Array());
  };
  const archives: ArchiveStore = {
    find: async (path) => Promise.resolve(stored.get(path)),
    put: async (path) => {
      puts.push(path);
      keep(path, stored.get(path)?.bytes ?? 0, 0);
      return Promise.resolve();
    },
    remove: async (path) => {
      stored.delete(path);
      documents.documents.delete(path);
      return Promise.resolve();
    },
  };
  return { archives, puts, keep, paths: () => [...stored.keys()].toSorted() };
};

const prepare = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-spool-'));
  onTestFinished(async () => rm(folder, { recursive: true }));
  const documents = createMemoryStore();
  const memory = memoryArchives(documents);
  const blobs = createBlobs(false);
  const { repository, registry } = await startBlobRegistry(blobs.contents);
  const stored: string[] = [];
  const archivist = createArchivist({
    registry,
    documents,
    archives: memory.archives,
    spool: createSpool(folder),
    now: () => NOW_MS,
    onStored: ({ service, platform }) => stored.push(`${service} ${platform}`),
  });
  const wanted: ManifestService = {
    image: parseImage(`${repository}:1.0.0@${blobs.root}`),
    imageIds: { 'linux/amd64': blobs.imageId },
    attempt: 0,
  };
  const publish = (environment: string, serial: number, services: Record<string, ManifestService>): void => {
    const terms = {
      nowMs: NOW_MS,
      expiresInMs: undefined,
      rollout: undefined,
      freeze: undefined,
      publisher: undefined,
    };
    const bytes = renderManifest(draft(environment, serial, services, terms));
    documents.documents.set(manifestPath(environment), bytes);
    documents.documents.set(historyPath(environment, serial), bytes);
  };
  return { ...memory, archivist, wanted, publish, documents, stored };
};

const named = (wanted: ManifestService, text: string): ManifestService => ({
  ...wanted,
  imageIds: { 'linux/amd64': digestOf('id') as string as ImageId },
  archives: { 'linux/amd64': { digest: digestOf(text), bytes: 1 } },
});

describe('an image that is published with its archive', () => {
  it('is uploaded once, however often a publish begins anew, and not again while its manifest names it', async () => {
    const { archivist, wanted, puts, keep, stored } = await prepare();
    const first = await archivist.archived('web', wanted, ['linux/amd64'], never);
    await archivist.archived('web', wanted, ['linux/amd64'], never);
    expect(puts).toHaveLength(1);
    const archive = first.archives?.['linux/amd64'] ?? { digest: digestOf(''), bytes: 0 };
    expect(puts).toEqual([archivePath(archive.digest)]);
    keep(archivePath(archive.digest), archive.bytes, 50 * DAY_MS);
    expect(await archivist.archived('web', first, ['linux/amd64'], never)).toEqual(first);
    expect(puts).toHaveLength(1);
    expect(stored).toEqual(['web linux/amd64', 'web linux/amd64']);
  });
});

describe('archives that no manifest names', () => {
  it('are removed once they are a day old; those of the last ten manifests of every environment stay', async () => {
    const { archivist, wanted, publish, keep, paths } = await prepare();
    for (let serial = 1; serial <= 12; serial += 1)
      publish('staging', serial, { web: named(wanted, `staging ${String(serial)}`) });
    publish('production', 7, { web: named(wanted, 'production') });
    const old = ['staging 1', 'staging 2', 'staging 3', 'staging 12', 'production', 'nobody'];
    for (const text of old) keep(archivePath(digestOf(text)), 1, 2 * DAY_MS);
    keep(archivePath(digestOf('just uploaded')), 1, DAY_MS / 2);
    expect(await archivist.sweep(never)).toBe(3);
    const kept = ['staging 3', 'staging 12', 'production', 'just uploaded'];
    expect(paths()).toEqual(kept.map((text) => archivePath(digestOf(text))).toSorted());
  });

  it('stay where a manifest cannot be read: it may name them', async () => {
    const { archivist, keep, documents, paths } = await prepare();
    keep(archivePath(digestOf('nobody')), 1, 2 * DAY_MS);
    documents.documents.set(manifestPath('staging'), Buffer.from('{"half'));
    expect(await archivist.sweep(never)).toBe(0);
    expect(paths()).toHaveLength(1);
  });
});
