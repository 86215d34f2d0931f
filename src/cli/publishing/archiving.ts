import { tmpdir } from 'node:os';
import { createSpool } from '../../adapters/spool.ts';
import { messageOf } from '../../core/errors.ts';
import { versionOf } from '../../core/image/image-version.ts';
import type { ManifestService } from '../../core/manifest/manifest.ts';
import type { ImageRegistry } from '../../core/ports/image-registry.ts';
import { createArchivist } from '../../publish/archives.ts';
import { formatBytes } from '../terminal/units.ts';
import type { Session } from './publish-session.ts';
import { printableMessage } from '../../core/printable-text.ts';

export interface Archiving {
  readonly archive: (
    service: string,
    version: ManifestService,
    signal: AbortSignal,
  ) => Promise<ManifestService>;
  /** Removes archives that no manifest names any more. A failure is only a warning. */
  readonly sweep: (signal: AbortSignal) => Promise<void>;
}

/** Implements `--archive`. Without platforms, archives all platforms of the image. */
export const createArchiving = (
  s: Session,
  registry: ImageRegistry,
  platforms: readonly string[],
): Archiving => {
  const { io, store, flags } = s;
  const print = (line: string): void => {
    if (flags.json !== true) io.stdout.write(`${line}\n`);
  };
  const archivist = createArchivist({
    registry,
    documents: store,
    archives: s.archives,
    spool: createSpool(tmpdir()),
    now: Date.now,
    onStored: ({ service, platform, archive: { bytes } }) =>
      print(`archived ${service} for ${platform}, ${formatBytes(bytes)}, in ${store.name}`),
  });
  return {
    archive: async (service, version, signal) => {
      const chosen = platforms.length > 0 ? platforms : Object.keys(version.imageIds);
      if (flags.dryRun !== true) return archivist.archived(service, version, chosen, signal);
      print(`would archive ${service} ${versionOf(version.image)} for ${chosen.join(', ')}`);
      return version;
    },
    sweep: async (signal) => {
      try {
        const removed = await archivist.sweep(signal);
        if (removed > 0) print(`removed ${String(removed)} archives that no manifest names any more`);
      } catch (error) {
        signal.throwIfAborted();
        io.stderr.write(`warning: old archives were not removed: ${printableMessage(messageOf(error))}\n`);
      }
    },
  };
};
