import { AgentError } from '../core/errors.ts';
import { historyFolder, historyPath, manifestPath, reportFolder } from '../core/fleet/store-layout.ts';
import { readHostReport } from '../core/fleet/host-report.ts';
import { hostOfFile, serialOfFile } from '../core/hub/file-names.ts';
import { isSpent } from '../core/manifest/serial.ts';
import type { Trust } from '../core/manifest/manifest.ts';
import type { FileChange, HubFiles } from '../core/ports/hub-files.ts';
import { openPublished, type Opened, type Unusable, type Usable } from '../core/publish/published-state.ts';
import type { EpochMs } from '../core/time.ts';

export interface RepairOptions {
  readonly files: Pick<HubFiles, 'read' | 'list'>;
  readonly environment: string;
  /** Undefined if only hosts verify signatures. */
  readonly trust: Trust | undefined;
  readonly nowMs: EpochMs;
}

export interface RepairStep {
  readonly kind: 'set-aside' | 'restored';
  readonly path: string;
  /** The new path; null if a file was created at `path`. */
  readonly to: string | null;
  readonly reason: string;
}

export interface Repair {
  /** Serial of the manifest that is current after the repair. */
  readonly serial: number;
  readonly steps: readonly RepairStep[];
  /** What stays as it is, and why. */
  readonly remarks: readonly string[];
  /** Batches in order: a file is removed only after its copy is on disk. */
  readonly changes: readonly (readonly FileChange[])[];
}

interface Found {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly opened: Opened;
}

const read = async (
  { files, environment, trust }: RepairOptions,
  path: string,
  serial: number | undefined,
): Promise<readonly Found[]> => {
  const bytes = await files.read(path);
  if (!bytes) return [];
  const opened = openPublished({ path, bytes, environment }, trust);
  const manifest = opened.kind === 'usable' ? opened.usable.manifest : opened.unusable.manifest;
  if (!manifest || serial === undefined || manifest.serial === serial) return [{ path, bytes, opened }];
  const message = `it is serial ${String(manifest.serial)}, but at the address of another serial`;
  const unusable: Unusable = { path, fault: 'damaged', message, manifest: undefined };
  return [{ path, bytes, opened: { kind: 'unusable', unusable } }];
};

const readAll = async (o: RepairOptions): Promise<readonly Found[]> => {
  const found = [...(await read(o, manifestPath(o.environment), undefined))];
  for (const { name, kind } of await o.files.list(historyFolder(o.environment))) {
    const serial = kind === 'file' ? serialOfFile(name) : undefined;
    if (serial !== undefined) found.push(...(await read(o, historyPath(o.environment, serial), serial)));
  }
  return found;
};

/** Serials that hosts of the environment have accepted. */
const acceptedSerials = async ({ files, environment, nowMs }: RepairOptions): Promise<readonly number[]> => {
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

interface Judged extends Found {
  /** Why the document is set aside; undefined if it stays. */
  readonly reason: string | undefined;
  readonly remark: string | undefined;
  readonly serial: number;
}

/**
 * Sets aside documents that no host can use: damaged ones, serials that leave no room, unsigned manifests
 * newer than every signed one, and newer ones of an untrusted key that no host has accepted. Other manifests
 * of an untrusted key stay: hosts may run them.
 */
const judge = (found: Found, newest: Usable | undefined, accepted: readonly number[]): Judged => {
  const { opened, path } = found;
  const stays = (serial: number, remark?: string): Judged => ({
    ...found,
    serial,
    reason: undefined,
    remark,
  });
  const goes = (reason: string): Judged => ({ ...found, serial: 0, reason, remark: undefined });
  const hasNone = (serial: number): boolean =>
    accepted.length > 0 && accepted.every((known) => known < serial);
  const ofNobody = 'it is newer than every signed manifest, and no key has signed it';
  if (opened.kind === 'usable') {
    const { manifest, isSigned } = opened.usable;
    const isStray = !isSigned && newest?.isSigned === true && manifest.serial > newest.manifest.serial;
    return isStray ? goes(ofNobody) : stays(manifest.serial);
  }
  const { fault, message, manifest } = opened.unusable;
  if (!manifest || fault === 'damaged') return goes(message);
  if (isSpent(manifest.serial))
    return goes(`serial ${String(manifest.serial)} leaves no room for the next ones`);
  // A manifest of a removed key belongs to the history; it is current only if no other one is left.
  if (!newest) return stays(manifest.serial);
  if (manifest.serial <= newest.manifest.serial) return stays(0);
  if (fault === 'unsigned') return goes(ofNobody);
  if (hasNone(manifest.serial)) return goes(`${message}; no host has accepted it`);
  return stays(
    manifest.serial,
    `${path} stays, though no key of the trust file has signed it: hosts may run it (${message})`,
  );
};

const newestOf = (found: readonly Found[]): Usable | undefined => {
  const usable = found.flatMap(({ opened }) => (opened.kind === 'usable' ? [opened.usable] : []));
  const signed = usable.filter(({ isSigned }) => isSigned);
  return (signed.length > 0 ? signed : usable).toSorted((a, b) => b.manifest.serial - a.manifest.serial)[0];
};

const asideOf = (environment: string, path: string, nowMs: EpochMs): string => {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${historyFolder(environment)}/set-aside/${time}-${path.split('/').at(-1) ?? ''}`;
};

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Plans the repair of an environment. @throws AgentError STORE if no document could become current. */
export const planRepair = async (o: RepairOptions): Promise<Repair> => {
  const { environment, nowMs } = o;
  const found = await readAll(o);
  const accepted = await acceptedSerials(o);
  const newest = newestOf(found);
  const judged = found.map((each) => judge(each, newest, accepted));
  const [best] = judged
    .filter(({ reason, serial }) => reason === undefined && serial > 0)
    .toSorted((a, b) => b.serial - a.serial);
  if (!best)
    throw new AgentError('STORE', `no document of ${environment} can be its current manifest`, {
      advice:
        'check the name of the environment and --data; ' +
        'restore a backup, or publish with --base none and name every service',
    });
  const place = manifestPath(environment);
  const [inPlace, copies] = [
    judged.find(({ path }) => path === place),
    judged.filter((j) => j.path !== place),
  ];
  const isRestored = !inPlace || !isSame(inPlace.bytes, best.bytes);
  const isLost = isRestored && !copies.some(({ bytes }) => inPlace && isSame(bytes, inPlace.bytes));
  const aside = judged.flatMap(({ path, bytes, ...each }) => {
    const reason = each.reason ?? (path === place && isLost ? 'it is not the newest one' : undefined);
    return reason === undefined ? [] : [{ path, bytes, reason, to: asideOf(environment, path, nowMs) }];
  });
  return {
    serial: best.serial,
    steps: [
      ...aside.map(({ path, to, reason }): RepairStep => ({ kind: 'set-aside', path, to, reason })),
      ...(isRestored
        ? [{ kind: 'restored', path: place, to: null, reason: `from ${best.path}` } satisfies RepairStep]
        : []),
    ],
    remarks: judged.flatMap(({ remark }) => remark ?? []),
    changes: [
      aside.map(({ to, bytes }) => ({ path: to, bytes })),
      isRestored ? [{ path: place, bytes: best.bytes }] : [],
      aside.filter(({ path }) => path !== place).map(({ path }) => ({ path, bytes: undefined })),
    ].filter((step) => step.length > 0),
  };
};

/** @throws AgentError STORE; a second repair completes the first one. */
export const applyRepair = async (files: HubFiles, { changes }: Repair): Promise<void> => {
  for (const step of changes) {
    const failure = (await files.apply(step)).find((each) => each !== undefined);
    if (failure) throw failure;
  }
};
