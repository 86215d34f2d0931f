import {
  ARCHIVE_FOLDER,
  archivePath,
  historyFolder,
  historyPath,
  manifestPath,
} from '../core/fleet/store-layout.ts';
import { environmentOfFile, serialOfFile } from '../core/hub/file-names.ts';
import { readPublication } from '../core/hub/publication.ts';
import type { Archive } from '../core/image/archive.ts';
import type { ManifestService } from '../core/manifest/manifest.ts';
import type { ArchiveStore } from '../core/ports/archive-store.ts';
import type { DocumentStore } from '../core/ports/document-store.ts';
import type { ImageRegistry } from '../core/ports/image-registry.ts';
import type { Spool } from '../core/ports/spool.ts';
import type { EpochMs } from '../core/time.ts';

export interface ArchivistOptions {
  readonly registry: ImageRegistry;
  readonly documents: DocumentStore;
  readonly archives: ArchiveStore;
  readonly spool: Spool;
  readonly now: () => EpochMs;
  /** Called for each archive that is in the store. */
  readonly onStored: (stored: {
    readonly service: string;
    readonly platform: string;
    readonly archive: Archive;
  }) => void;
}

/** An environment keeps the archives of this many manifests of its history, for rollbacks. */
const KEPT_MANIFESTS = 10;
/** A younger archive may belong to a publish in progress. */
const YOUNG_MS = 24 * 3600 * 1000;

/** Stores archives of images, and removes those that no manifest names any more. */
export const createArchivist = (o: ArchivistOptions) => {
  const { registry, documents, archives, spool, now } = o;
  const made = new Map<string, Promise<Archive>>();

  const isThere = async (archive: Archive, signal: AbortSignal): Promise<boolean> => {
    const found = await archives.find(archivePath(archive.digest), signal);
    if (found?.bytes !== archive.bytes) return false;
    // An archive is written again at half this age, or another publisher could remove it before the manifest
    // names it.
    return found.modifiedAtMs !== undefined && now() - found.modifiedAtMs < YOUNG_MS / 2;
  };

  const make = async (
    { image }: ManifestService,
    platform: string,
    signal: AbortSignal,
  ): Promise<Archive> => {
    const { content, bytes } = await registry.archive(image, platform, signal);
    const kept = await spool.keep(content, bytes, signal);
    try {
      const archive = { digest: kept.digest, bytes: kept.bytes };
      if (!(await isThere(archive, signal)))
        await archives.put(archivePath(archive.digest), kept.file, signal);
      return archive;
    } finally {
      await kept.dispose();
    }
  };

  const named = async (environment: string, signal: AbortSignal): Promise<readonly string[] | undefined> => {
    const files = await documents.list(historyFolder(environment), signal);
    if (!files) return undefined;
    const serials = files.flatMap((name) => serialOfFile(name) ?? []).toSorted((a, b) => b - a);
    const paths = [
      manifestPath(environment),
      ...serials.slice(0, KEPT_MANIFESTS).map((serial) => historyPath(environment, serial)),
    ];
    const digests: string[] = [];
    for (const path of paths) {
      const bytes = (await documents.read(path, signal))?.bytes;
      if (!bytes) continue;
      // Without trust, because archives of any manifest are kept.
      const read = readPublication({ document: bytes, environment, trust: undefined, nowMs: undefined });
      if (read.kind === 'refused') return undefined;
      for (const service of Object.values(read.publication.manifest.services))
        digests.push(...Object.values(service.archives ?? {}).map((a) => a.digest));
    }
    return digests;
  };

  return {
    /** Stores an archive for each platform. Returns the service with their digests. */
    archived: async (
      service: string,
      entry: ManifestService,
      platforms: readonly string[],
      signal: AbortSignal,
    ): Promise<ManifestService> => {
      const found: Record<string, Archive> = {};
      for (const platform of platforms) {
        const known = entry.archives?.[platform];
        if (known && (await archives.find(archivePath(known.digest), signal))?.bytes === known.bytes) {
          found[platform] = known;
          continue;
        }
        // Made once even if the publish is repeated after a lost race.
        const key = `${entry.image.repository}@${entry.image.digest ?? ''} ${platform}`;
        const making = made.get(key) ?? make(entry, platform, signal);
        made.set(key, making);
        const archive = await making;
        found[platform] = archive;
        o.onStored({ service, platform, archive });
      }
      return { ...entry, archives: found };
    },

    /**
     * Removes archives that no environment's last manifests name, and returns their number. Removes nothing
     * if a document is unreadable, because an unknown manifest may name any archive.
     */
    sweep: async (signal: AbortSignal): Promise<number> => {
      const stored = await documents.list(ARCHIVE_FOLDER, signal);
      const manifests = await documents.list('manifests', signal);
      if (!stored || !manifests || stored.length === 0) return 0;
      const kept = new Set<string>();
      for (const environment of manifests.flatMap((name) => environmentOfFile(name) ?? [])) {
        const digests = await named(environment, signal);
        if (!digests) return 0;
        for (const digest of digests) kept.add(archivePath(digest));
      }
      let removed = 0;
      for (const path of stored
        .filter((name) => /^[0-9a-f]{64}\.tar$/.test(name))
        .map((n) => `${ARCHIVE_FOLDER}/${n}`)) {
        if (kept.has(path)) continue;
        const modifiedAtMs = (await archives.find(path, signal))?.modifiedAtMs;
        if (modifiedAtMs === undefined || now() - modifiedAtMs < YOUNG_MS) continue;
        await archives.remove(path, signal);
        removed += 1;
      }
      return removed;
    },
  };
};
