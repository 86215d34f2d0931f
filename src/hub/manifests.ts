import { epochPath, historyPath, manifestPath } from '../core/fleet/store-layout.ts';
import { entityTagOf, mayWrite, type Conditions } from '../core/hub/conditional-request.ts';
import { environmentOfFile } from '../core/hub/file-names.ts';
import { readPublication } from '../core/hub/publication.ts';
import { refusal, type Refusal } from '../core/hub/refusal.ts';
import { historyIsKept, refuseHistory, refuseSuccessor } from '../core/manifest/serial.ts';
import { toAgentError, type AgentError } from '../core/errors.ts';
import type { Manifest, Trust } from '../core/manifest/manifest.ts';
import { createOneAtATime } from '../core/one-at-a-time.ts';
import type { HubFiles } from '../core/ports/hub-files.ts';
import type { EpochMs } from '../core/time.ts';
import {
  findEnvironment,
  type CurrentManifest,
  type FoundEnvironment,
  type HeldDocument,
} from './find-environment.ts';

export type WriteAnswer =
  | { readonly kind: 'written'; readonly isNew: boolean; readonly tag: string; readonly serial: number }
  /** The stored document is equal, byte for byte. */
  | { readonly kind: 'same'; readonly tag: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Why a manifest that is valid may not become current now. */
export type Objection = (manifest: Manifest) => Promise<Refusal | undefined>;

export interface ManifestsOptions {
  readonly files: HubFiles;
  /** Read at every publish, so that a changed trust file counts at once. @throws AgentError */
  readonly trust: () => Promise<Trust | undefined>;
  readonly now: () => EpochMs;
  readonly mostEnvironments: number;
  /** Called when a manifest has become current and is on disk. */
  readonly onPublished: (environment: string) => void;
  /** Called when the folder is not as the hub left it. */
  readonly onRemark: (remark: string) => void;
}

export interface Manifests {
  readonly environments: () => readonly string[];
  readonly current: (environment: string) => CurrentManifest | undefined;
  /** In ascending order. */
  readonly serials: (environment: string) => readonly number[];
  readonly past: (environment: string, serial: number) => Promise<HeldDocument | undefined>;
  /** `objection` is asked last before the manifest becomes current. */
  readonly publish: (
    environment: string,
    bytes: Uint8Array,
    conditions: Conditions,
    objection?: Objection,
  ) => Promise<WriteAnswer>;
  readonly record: (
    environment: string,
    serial: number,
    bytes: Uint8Array,
    conditions: Conditions,
  ) => Promise<WriteAnswer>;
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const refused = (why: Refusal): WriteAnswer => ({ kind: 'refused', refusal: why });
const CHANGED: WriteAnswer = refused(
  refusal(
    412,
    'changed',
    'the document does not match the condition',
    'read it again and decide anew: another publisher has changed it',
  ),
);

const writeOne = async (files: HubFiles, path: string, bytes: Uint8Array): Promise<AgentError | undefined> =>
  (await files.apply([{ path, bytes }]))[0];

/** Writes the copy that a hub killed between two writes did not write to the history. */
const completeHistory = async (
  files: HubFiles,
  environment: string,
  found: FoundEnvironment,
): Promise<void> => {
  const { current, serials } = found;
  if (current?.serial === undefined || serials.has(current.serial)) return;
  const failure = await writeOne(files, historyPath(environment, current.serial), current.bytes);
  if (failure) throw failure;
  serials.add(current.serial);
};

type Kept = ManifestsOptions & { readonly known: Map<string, FoundEnvironment> };

const tooMany = (most: number): Refusal =>
  refusal(
    507,
    'too-many-environments',
    `the hub already has ${most} environments, its maximum`,
    'remove the files of an old one and restart the hub, or start it with a higher --max-environments',
  );

const readPast = async (
  { known, files }: Kept,
  environment: string,
  serial: number,
): Promise<HeldDocument | undefined> => {
  if (known.get(environment)?.serials.has(serial) !== true) return undefined;
  const bytes = await files.read(historyPath(environment, serial));
  return bytes && { bytes, tag: entityTagOf(bytes) };
};

const addHistory = async (
  { files }: Kept,
  path: string,
  { serials }: FoundEnvironment,
  { serial, bytes }: { readonly serial: number; readonly bytes: Uint8Array },
): Promise<AgentError | undefined> => {
  const failure = await writeOne(files, path, bytes);
  if (!failure) serials.add(serial);
  return failure;
};

/** The length of a history. A publish removes at most `AT_ONCE` older ones, so that it stays quick. */
const MOST_KEPT = 10_000;
const AT_ONCE = 100;

const prune = async (
  { files }: Kept,
  environment: string,
  { serials }: FoundEnvironment,
): Promise<AgentError | undefined> => {
  const surplus = Math.min(serials.size - MOST_KEPT, AT_ONCE);
  if (surplus <= 0) return undefined;
  const oldest = [...serials].toSorted((a, b) => a - b).slice(0, surplus);
  const changes = oldest.map((serial) => ({ path: historyPath(environment, serial), bytes: undefined }));
  const failures = await files.apply(changes);
  for (const [at, serial] of oldest.entries()) if (!failures[at]) serials.delete(serial);
  return failures.find((failure) => failure !== undefined);
};

/** Like hosts, refuses an older trust file, which would accept a stolen key's signatures. */
const refuseEpoch = (epoch: number, highest: number): Refusal | undefined =>
  epoch >= highest
    ? undefined
    : refusal(
        422,
        'epoch',
        epoch === 0
          ? `this hub has accepted manifests of epoch ${highest} for this environment, but has no trust file`
          : `the trust file has epoch ${epoch}, but this hub has accepted manifests of epoch ${highest}`,
        'give the hub the newer trust.json; ' +
          'to go back on purpose, stop it and remove the epoch.json of the environment (docs/HUB.md)',
      );

const writeEpoch = async (
  files: HubFiles,
  environment: string,
  epoch: number,
): Promise<AgentError | undefined> =>
  writeOne(files, epochPath(environment), Buffer.from(`${JSON.stringify({ epoch })}\n`));

/** Once keys are used, every host refuses an unsigned manifest, so it would only replace a valid one. */
const refuseUnsigned = (isSigned: boolean, current: CurrentManifest | undefined): Refusal | undefined =>
  isSigned || current?.isSigned !== true
    ? undefined
    : refusal(
        422,
        'unsigned',
        'the manifest is not signed, but the current one of this environment is',
        'publish it with `supercargo publish --key`; if hosts accept unsigned manifests now, ' +
          'remove the environment from the hub first (docs/HUB.md)',
      );

const publish = async (
  kept: Kept,
  environment: string,
  bytes: Uint8Array,
  conditions: Conditions,
  objectionTo: Objection,
): Promise<WriteAnswer> => {
  const { known, files, mostEnvironments } = kept;
  const found = known.get(environment) ?? (await findEnvironment(files, environment));
  if (found.current !== undefined && isSame(found.current.bytes, bytes)) {
    // A publisher that lost the response may repeat the publish; the history may still miss the copy.
    await completeHistory(files, environment, found);
    return { kind: 'same', tag: found.current.tag };
  }
  if (!mayWrite(conditions, found.current?.tag)) return CHANGED;
  if (!known.has(environment) && known.size >= mostEnvironments) return refused(tooMany(mostEnvironments));
  const [trust, nowMs] = [await kept.trust(), kept.now()];
  const read = readPublication({ document: bytes, environment, trust, nowMs });
  if (read.kind === 'refused') return read;
  const { manifest, isSigned } = read.publication;
  const { serial } = manifest;
  const epoch = trust?.epoch ?? 0;
  const objection =
    refuseEpoch(epoch, found.epoch) ??
    refuseUnsigned(isSigned, found.current) ??
    refuseSuccessor(serial, [found.current?.serial ?? 0, ...found.serials]) ??
    (await objectionTo(manifest));
  if (objection) return refused(objection);
  // The new manifest takes the place of the only copy that the history may still miss.
  await completeHistory(files, environment, found);
  const failure =
    (epoch > found.epoch ? await writeEpoch(files, environment, epoch) : undefined) ??
    (await writeOne(files, manifestPath(environment), bytes));
  if (failure) {
    // The write may have succeeded and only the sync failed, so the disk is read again.
    found.current = (await findEnvironment(files, environment)).current;
    throw failure;
  }
  const isNew = found.current === undefined;
  const tag = entityTagOf(bytes);
  found.current = { bytes, tag, serial, isSigned };
  found.epoch = epoch;
  known.set(environment, found);
  kept.onPublished(environment);
  // The manifest is live, whatever becomes of its history: the next publish or start completes it.
  const trouble =
    (await addHistory(kept, historyPath(environment, serial), found, { serial, bytes })) ??
    (await prune(kept, environment, found));
  if (trouble) kept.onRemark(`the history of ${environment} is not in order yet: ${trouble.message}`);
  return { kind: 'written', isNew, tag, serial };
};

const record = async (
  kept: Kept,
  environment: string,
  addressed: number,
  bytes: Uint8Array,
  conditions: Conditions,
): Promise<WriteAnswer> => {
  const path = historyPath(environment, addressed);
  const there = await readPast(kept, environment, addressed);
  if (there)
    return isSame(there.bytes, bytes) ? { kind: 'same', tag: there.tag } : refused(historyIsKept(path));
  if (!mayWrite(conditions, undefined)) return CHANGED;
  const trust = await kept.trust();
  const read = readPublication({ document: bytes, environment, trust, nowMs: undefined });
  if (read.kind === 'refused') return read;
  const { serial } = read.publication.manifest;
  const found = kept.known.get(environment);
  const objection = refuseHistory(path, { addressed, serial }, found?.current?.serial);
  if (objection !== undefined || found === undefined) return refused(objection ?? historyIsKept(path));
  const failure = await addHistory(kept, path, found, { serial, bytes });
  if (failure) throw failure;
  return { kind: 'written', isNew: true, tag: entityTagOf(bytes), serial };
};

/** Stores published manifests. Every acknowledged one is on disk. @throws AgentError STORE */
export const openManifests = async (options: ManifestsOptions): Promise<Manifests> => {
  const { files } = options;
  const known = new Map<string, FoundEnvironment>();
  for (const { name, kind } of await files.list('manifests')) {
    const environment = kind === 'file' ? environmentOfFile(name) : undefined;
    if (environment === undefined) continue;
    const found = await findEnvironment(files, environment);
    if (found.remark !== undefined) options.onRemark(found.remark);
    known.set(environment, found);
    // A full disk must not keep the hub from serving.
    await completeHistory(files, environment, found).catch((error: unknown) => {
      options.onRemark(`the history of ${environment} is not complete: ${toAgentError(error).message}`);
    });
  }
  const kept: Kept = { ...options, known };
  const inTurn = createOneAtATime();
  return {
    environments: () => [...known.keys()].toSorted(),
    current: (environment) => known.get(environment)?.current,
    serials: (environment) => [...(known.get(environment)?.serials ?? [])].toSorted((a, b) => a - b),
    past: (environment, serial) => readPast(kept, environment, serial),
    publish: (environment, bytes, conditions, objection = async () => Promise.resolve(undefined)) =>
      inTurn(environment, () => publish(kept, environment, bytes, conditions, objection)),
    record: (environment, serial, bytes, conditions) =>
      inTurn(environment, () => record(kept, environment, serial, bytes, conditions)),
  };
};
