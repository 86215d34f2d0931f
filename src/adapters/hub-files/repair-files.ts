import { readHostReport } from '../../core/fleet/host-report.ts';
import { historyFolder, historyPath, manifestPath, reportFolder } from '../../core/fleet/store-layout.ts';
import { hostOfFile, serialOfFile } from '../../core/hub/file-names.ts';
import type { FileChange, HubFiles } from '../../core/ports/hub-files.ts';
import type {
  ManifestDocument,
  ManifestRepair,
  RepairableManifests,
  RepairChanges,
} from '../../core/ports/manifest-repair.ts';
import type { EpochMs } from '../../core/time.ts';

type Readable = Pick<HubFiles, 'read' | 'list'>;

const readDocuments = async (files: Readable, environment: string): Promise<readonly ManifestDocument[]> => {
  const found: ManifestDocument[] = [];
  const add = async (path: string, serial: number | undefined): Promise<void> => {
    const bytes = await files.read(path);
    if (bytes) found.push({ path, serial, bytes });
  };
  await add(manifestPath(environment), undefined);
  for (const { name, kind } of await files.list(historyFolder(environment))) {
    const serial = kind === 'file' ? serialOfFile(name) : undefined;
    if (serial !== undefined) await add(historyPath(environment, serial), serial);
  }
  return found;
};

const readAccepted = async (
  files: Readable,
  environment: string,
  nowMs: EpochMs,
): Promise<readonly number[]> => {
  const serials: number[] = [];
  for (const { name, kind, modifiedAtMs } of await files.list(reportFolder(environment))) {
    const host = kind === 'file' ? hostOfFile(name) : undefined;
    const bytes = host === undefined ? undefined : await files.read(`${reportFolder(environment)}/${name}`);
    if (!bytes) continue;
    const report = readHostReport({ bytes, writtenAtMs: modifiedAtMs, readAtMs: nowMs }, nowMs);
    if (report) serials.push(report.status.manifest.serial ?? 0);
  }
  return serials;
};

/** Batches in order: a file is removed only after its copy is on disk. */
const batchesOf = (environment: string, { aside, restored }: RepairChanges): readonly FileChange[][] =>
  [
    aside.map(({ to, bytes }) => ({ path: to, bytes })),
    restored ? [{ path: manifestPath(environment), bytes: restored.bytes }] : [],
    aside.flatMap(({ path, serial }) => (serial === undefined ? [] : [{ path, bytes: undefined }])),
  ].filter((batch) => batch.length > 0);

/** Reads the files for a repair, even while a hub has the folder open. */
export const readForRepair =
  (files: Readable, now: () => EpochMs): ManifestRepair['read'] =>
  async (environment): Promise<RepairableManifests> => ({
    // The lock of the folder keeps every publish away.
    mark: '',
    documents: await readDocuments(files, environment),
    acceptedSerials: await readAccepted(files, environment, now()),
  });

/** The manifests in a folder of which this process has the lock. */
export const createRepairFiles = (files: HubFiles, now: () => EpochMs): ManifestRepair => ({
  read: readForRepair(files, now),
  apply: async (environment, changes) => {
    for (const batch of batchesOf(environment, changes)) {
      const failure = (await files.apply(batch)).find((each) => each !== undefined);
      if (failure) throw failure;
    }
    return 'done';
  },
});
