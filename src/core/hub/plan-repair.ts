import { AgentError } from '../errors.ts';
import { historyFolder, manifestPath } from '../fleet/store-layout.ts';
import type { Trust } from '../manifest/manifest.ts';
import { isSpent } from '../manifest/serial.ts';
import type { ManifestDocument, RepairableManifests, RepairChanges } from '../ports/manifest-repair.ts';
import { openPublished, type Opened, type Unusable, type Usable } from '../publish/published-state.ts';
import type { EpochMs } from '../time.ts';

export interface RepairInput {
  readonly environment: string;
  readonly stored: RepairableManifests;
  /** Undefined if only hosts verify signatures. */
  readonly trust: Trust | undefined;
  readonly nowMs: EpochMs;
}

export interface RepairStep {
  readonly kind: 'set-aside' | 'restored';
  readonly path: string;
  /** The new path; null if a document was created at `path`. */
  readonly to: string | null;
  readonly reason: string;
}

export interface Repair {
  /** Serial of the manifest that is current after the repair. */
  readonly serial: number;
  readonly steps: readonly RepairStep[];
  /** What stays as it is, and why. */
  readonly remarks: readonly string[];
  readonly changes: RepairChanges;
}

interface Found extends ManifestDocument {
  readonly opened: Opened;
}

const openOne = (
  document: ManifestDocument,
  { environment, trust }: Pick<RepairInput, 'environment' | 'trust'>,
): Found => {
  const { path, serial, bytes } = document;
  const opened = openPublished({ path, bytes, environment }, trust);
  const manifest = opened.kind === 'usable' ? opened.usable.manifest : opened.unusable.manifest;
  if (!manifest || serial === undefined || manifest.serial === serial) return { ...document, opened };
  const message = `it is serial ${String(manifest.serial)}, but at the address of another serial`;
  const unusable: Unusable = { path, fault: 'damaged', message, manifest: undefined };
  return { ...document, opened: { kind: 'unusable', unusable } };
};

interface Judged extends Found {
  /** Why the document is set aside; undefined if it stays. */
  readonly reason: string | undefined;
  readonly remark: string | undefined;
  /** Of the manifest; 0 if it cannot be current. */
  readonly manifestSerial: number;
}

/**
 * Sets aside documents that no host can use: damaged ones, serials that leave no room, unsigned manifests
 * newer than every signed one, and newer ones of an untrusted key that no host has accepted. Other manifests
 * of an untrusted key stay: hosts may run them.
 */
const judge = (found: Found, newest: Usable | undefined, accepted: readonly number[]): Judged => {
  const { opened, path } = found;
  const stays = (manifestSerial: number, remark?: string): Judged => ({
    ...found,
    manifestSerial,
    reason: undefined,
    remark,
  });
  const goes = (reason: string): Judged => ({ ...found, manifestSerial: 0, reason, remark: undefined });
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
export const planRepair = (input: RepairInput): Repair => {
  const { environment, stored, nowMs } = input;
  const found = stored.documents.map((document) => openOne(document, input));
  const newest = newestOf(found);
  const judged = found.map((each) => judge(each, newest, stored.acceptedSerials));
  const [best] = judged
    .filter(({ reason, manifestSerial }) => reason === undefined && manifestSerial > 0)
    .toSorted((a, b) => b.manifestSerial - a.manifestSerial);
  if (!best)
    throw new AgentError('STORE', `no document of ${environment} can be its current manifest`, {
      advice:
        'check the name of the environment, and --data or --store; ' +
        'restore a backup, or publish with --base none and name every service',
    });
  const place = manifestPath(environment);
  const [inPlace, copies] = [
    judged.find(({ path }) => path === place),
    judged.filter((j) => j.path !== place),
  ];
  const isRestored = !inPlace || !isSame(inPlace.bytes, best.bytes);
  const isLost = isRestored && !copies.some(({ bytes }) => inPlace && isSame(bytes, inPlace.bytes));
  const aside = judged.flatMap(({ path, serial, bytes, ...each }) => {
    const reason = each.reason ?? (path === place && isLost ? 'it is not the newest one' : undefined);
    return reason === undefined
      ? []
      : [{ path, serial, bytes, reason, to: asideOf(environment, path, nowMs) }];
  });
  return {
    serial: best.manifestSerial,
    steps: [
      ...aside.map(({ path, to, reason }): RepairStep => ({ kind: 'set-aside', path, to, reason })),
      ...(isRestored
        ? [{ kind: 'restored', path: place, to: null, reason: `from ${best.path}` } satisfies RepairStep]
        : []),
    ],
    remarks: judged.flatMap(({ remark }) => remark ?? []),
    changes: {
      aside: aside.map(({ path, serial, bytes, to }) => ({ path, serial, bytes, to })),
      restored: isRestored ? { serial: best.manifestSerial, bytes: best.bytes } : undefined,
    },
  };
};
