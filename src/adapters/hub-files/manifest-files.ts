import { epochPath, historyPath, manifestPath } from '../../core/fleet/store-layout.ts';
import { environmentOfFile } from '../../core/hub/file-names.ts';
import { messageOf, type AgentError } from '../../core/errors.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import { highestOf } from '../../core/manifest/serial.ts';
import { createOneAtATime } from '../../core/one-at-a-time.ts';
import type { HubFiles } from '../../core/ports/hub-files.ts';
import {
  HISTORY_LIMIT,
  type ManifestStore,
  type NewManifest,
  type StoredManifests,
} from '../../core/ports/manifest-store.ts';
import { findEnvironment, type FoundDocument } from './find-environment.ts';

interface Kept {
  current: FoundDocument | undefined;
  readonly serials: Set<number>;
  epoch: number;
  revision: number;
  /** What `read` gives, until something changes. */
  stored: StoredManifests;
}

export interface ManifestFilesOptions {
  readonly files: HubFiles;
  /** Called when the folder is not as a hub leaves it, or could not be brought in order. */
  readonly onRemark: (remark: string) => void;
  /** Called when a manifest has become current and is on disk. */
  readonly onPublished: (environment: string) => void;
}

/** A publish removes at most so many of a history that is too long, so that it stays quick. */
const AT_ONCE = 100;

const NOTHING: StoredManifests = { revision: 0, document: undefined, highest: 0, epoch: 0 };

const newlyKept = (): Kept => ({
  current: undefined,
  serials: new Set(),
  epoch: 0,
  revision: 0,
  stored: NOTHING,
});

const storedOf = ({ current, serials, epoch, revision }: Omit<Kept, 'stored'>): StoredManifests => ({
  revision,
  document: current?.bytes,
  highest: highestOf([...serials, current?.serial ?? 0]),
  epoch,
});

const writeOne = async (files: HubFiles, path: string, bytes: Uint8Array): Promise<void> => {
  const [failure] = await files.apply([{ path, bytes }]);
  if (failure) throw failure;
};

/** Writes the copy that a hub killed between two writes did not write to the history. */
const completeHistory = async (
  files: HubFiles,
  environment: string,
  { current, serials }: Kept,
): Promise<void> => {
  if (current?.serial === undefined || serials.has(current.serial)) return;
  await writeOne(files, historyPath(environment, current.serial), current.bytes);
  serials.add(current.serial);
};

const prune = async (files: HubFiles, environment: string, { serials }: Kept): Promise<void> => {
  const surplus = Math.min(serials.size - HISTORY_LIMIT, AT_ONCE);
  if (surplus <= 0) return;
  const oldest = [...serials].toSorted((a, b) => a - b).slice(0, surplus);
  const changes = oldest.map((serial) => ({ path: historyPath(environment, serial), bytes: undefined }));
  const failures = await files.apply(changes);
  for (const [at, serial] of oldest.entries()) if (!failures[at]) serials.delete(serial);
  const failure = failures.find((each): each is AgentError => each !== undefined);
  if (failure) throw failure;
};

/**
 * Manifests in files of a hub. The hub's lock makes this process the only writer, so that what it has read or
 * written is what is stored.
 */
export const createManifestFiles = ({
  files,
  onRemark,
  onPublished,
}: ManifestFilesOptions): ManifestStore => {
  const known = new Map<string, Kept>();
  const probes = new Map<string, Uint8Array>();
  const inTurn = createOneAtATime();

  /** Reads the disk; the revision goes on. */
  const load = async (environment: string): Promise<Kept> => {
    const revision = known.get(environment)?.revision;
    const { current, serials, epoch, remark } = await findEnvironment(files, environment);
    if (remark !== undefined) onRemark(remark);
    const found = {
      current,
      serials: new Set(serials),
      epoch,
      revision: revision === undefined ? Number(current !== undefined) : revision + 1,
    };
    const kept = { ...found, stored: storedOf(found) };
    known.set(environment, kept);
    return kept;
  };
  const loadAll = async (): Promise<void> => {
    const names = (await files.list('manifests')).flatMap(({ name, kind }) =>
      kind === 'file' ? (environmentOfFile(name) ?? []) : isEnvironmentName(name) ? [name] : [],
    );
    for (const environment of new Set(names)) {
      const kept = await load(environment);
      // A full disk must not keep the hub from serving.
      await completeHistory(files, environment, kept).catch((error: unknown) => {
        onRemark(`the history of ${environment} is not complete: ${messageOf(error)}`);
      });
    }
  };
  let loading: Promise<void> | undefined;
  const find = async (environment: string): Promise<Kept | undefined> => {
    await (loading ??= loadAll());
    return known.get(environment);
  };

  /** The manifest is live, whatever becomes of its history: the next publish or start completes it. */
  const keepHistory = async (environment: string, kept: Kept): Promise<void> => {
    try {
      await completeHistory(files, environment, kept);
      await prune(files, environment, kept);
    } catch (error) {
      onRemark(`the history of ${environment} is not in order yet: ${messageOf(error)}`);
    }
  };

  const publish = async (
    environment: string,
    { serial, document, epoch }: NewManifest,
    expectedRevision: number,
  ): Promise<StoredManifests | 'changed'> => {
    const kept = (await find(environment)) ?? newlyKept();
    if (kept.revision !== expectedRevision) return 'changed';
    // The new manifest takes the place of the only copy that the history may still miss.
    await completeHistory(files, environment, kept);
    try {
      if (epoch > kept.epoch)
        await writeOne(files, epochPath(environment), Buffer.from(`${JSON.stringify({ epoch })}\n`));
      await writeOne(files, manifestPath(environment), document);
    } catch (error) {
      // The write may have succeeded and only the sync failed, so the disk is read again.
      await load(environment);
      throw error;
    }
    known.set(environment, kept);
    kept.current = { bytes: document, serial };
    kept.epoch = Math.max(epoch, kept.epoch);
    kept.revision += 1;
    kept.stored = storedOf(kept);
    onPublished(environment);
    await keepHistory(environment, kept);
    return kept.stored;
  };

  return {
    environments: async () => {
      await (loading ??= loadAll());
      return [...known].flatMap(([name, { current }]) => (current ? [name] : [])).toSorted();
    },
    read: async (environment) => (await find(environment))?.stored ?? NOTHING,
    publish: (environment, manifest, expectedRevision) =>
      inTurn(environment, () => publish(environment, manifest, expectedRevision)),
    serials: async (environment) => [...((await find(environment))?.serials ?? [])].toSorted((a, b) => a - b),
    past: async (environment, serial) =>
      (await find(environment))?.serials.has(serial) === true
        ? files.read(historyPath(environment, serial))
        : undefined,
    record: (environment, serial, document) =>
      inTurn(environment, async () => {
        const kept = (await find(environment)) ?? newlyKept();
        if (kept.serials.has(serial)) return 'kept';
        await writeOne(files, historyPath(environment, serial), document);
        known.set(environment, kept);
        kept.serials.add(serial);
        kept.stored = storedOf(kept);
        return 'written';
      }),
    probe: (environment) => Promise.resolve(probes.get(environment)),
    changeProbe: (environment, document, mayReplace) => {
      const before = probes.get(environment);
      if (!mayReplace(before)) return Promise.resolve('refused');
      if (document === undefined) probes.delete(environment);
      else probes.set(environment, document);
      return Promise.resolve({ before });
    },
  };
};
