import { AgentError } from '../../core/errors.ts';
import { historyPath } from '../../core/fleet/store-layout.ts';
import { entityTagOf, isKnown, mayWrite, type Conditions } from '../../core/hub/conditional-request.ts';
import { readPublication } from '../../core/hub/publication.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import type { Manifest, Trust } from '../../core/manifest/manifest.ts';
import { historyIsKept, refuseHistory, refuseSuccessor } from '../../core/manifest/serial.ts';
import { createOneAtATime } from '../../core/one-at-a-time.ts';
import type { ManifestStore, StoredManifests } from '../../core/ports/manifest-store.ts';
import type { EpochMs } from '../../core/time.ts';
import { createCopies } from './manifest-copies.ts';
import type { CurrentManifest, HeldDocument } from './current-manifest.ts';

export type WriteAnswer =
  | { readonly kind: 'written'; readonly isNew: boolean; readonly tag: string; readonly serial: number }
  /** The stored document is equal, byte for byte. */
  | { readonly kind: 'same'; readonly tag: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Why a manifest that is valid may not become current now. */
export type Objection = (manifest: Manifest) => Promise<Refusal | undefined>;

export interface ManifestsOptions {
  readonly store: ManifestStore;
  /** Read at every publish, so that a changed trust file counts at once. @throws AgentError */
  readonly trust: () => Promise<Trust | undefined>;
  readonly now: () => EpochMs;
  readonly mostEnvironments: number;
  /** Called when another document has become current, here or at another hub. */
  readonly onChanged: (environment: string) => void;
}

/** The manifests of a store, with a copy of each current one. Rejects with AgentError STORE. */
export interface Manifests {
  /** By the copies. */
  readonly environments: () => readonly string[];
  /** The same by the store: a publisher must see what another hub has just taken. */
  readonly listed: () => Promise<readonly string[]>;
  /** The copy. */
  readonly current: (environment: string) => CurrentManifest | undefined;
  /** Reads what is current in the store now, and renews the copy. */
  readonly read: (environment: string) => Promise<CurrentManifest | undefined>;
  /**
   * Whether the copy is as new as what the reader has, as far as this hub knows: its condition names a
   * document that was current here.
   */
  readonly isAhead: (environment: string, conditions: Conditions) => boolean;
  /** In ascending order. */
  readonly serials: (environment: string) => Promise<readonly number[]>;
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
  readonly probes: Pick<ManifestStore, 'probe' | 'changeProbe'>;
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const refused = (why: Refusal): WriteAnswer & { kind: 'refused' } => ({ kind: 'refused', refusal: why });
const CHANGED = refused(
  refusal(
    412,
    'changed',
    'the document does not match the condition',
    'read it again and decide anew: another publisher has changed it',
  ),
);

const tooMany = (most: number): Refusal =>
  refusal(
    507,
    'too-many-environments',
    `the hub already has ${most} environments, its maximum`,
    'remove the files of an old one and restart the hub, or start it with a higher --max-environments',
  );

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

/** How often a publish is judged anew because another hub was faster. */
const MOST_TRIES = 20;

const lostRaces = (environment: string): AgentError =>
  new AgentError('STORE', `other hubs publish to ${environment} all the time`, {
    retry: 'later',
    advice: 'publish again',
  });

interface Stored {
  readonly manifests: StoredManifests;
  readonly current: CurrentManifest | undefined;
}

interface NewDocument {
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  readonly epoch: number;
}

/** Opens the manifests of a store. @throws AgentError STORE */
export const openManifests = async (options: ManifestsOptions): Promise<Manifests> => {
  const { store, trust, now, mostEnvironments, onChanged } = options;
  const copies = createCopies(store, onChanged);
  for (const environment of await store.environments()) await copies.read(environment);
  const inTurn = createOneAtATime();

  const isFull = async ({ manifests: { document } }: Stored): Promise<boolean> =>
    document === undefined && (await store.environments()).length >= mostEnvironments;

  /** Undefined once another hub was faster, so that all has to be judged anew. */
  const write = async (
    environment: string,
    { manifests, current }: Stored,
    { bytes, manifest: { serial }, epoch }: NewDocument,
  ): Promise<WriteAnswer | undefined> => {
    const written = await store.publish(environment, { serial, document: bytes, epoch }, manifests.revision);
    await copies.read(environment);
    return written === 'changed'
      ? undefined
      : { kind: 'written', isNew: current === undefined, tag: entityTagOf(bytes), serial };
  };

  const publish = async (
    environment: string,
    bytes: Uint8Array,
    conditions: Conditions,
    objectionTo: Objection,
  ): Promise<WriteAnswer> => {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const stored = await copies.read(environment);
      const { manifests, current } = stored;
      if (current !== undefined && isSame(current.bytes, bytes)) {
        // A publisher that lost the response may repeat the publish; the history may still miss the copy.
        if (current.serial !== undefined) await store.record(environment, current.serial, bytes);
        return { kind: 'same', tag: current.tag };
      }
      if (!mayWrite(conditions, current?.tag)) return CHANGED;
      if (await isFull(stored)) return refused(tooMany(mostEnvironments));
      const [trusted, nowMs] = [await trust(), now()];
      const read = readPublication({ document: bytes, environment, trust: trusted, nowMs });
      if (read.kind === 'refused') return read;
      const { manifest, isSigned } = read.publication;
      const epoch = trusted?.epoch ?? 0;
      const objection =
        refuseEpoch(epoch, manifests.epoch) ??
        refuseUnsigned(isSigned, current) ??
        refuseSuccessor(manifest.serial, [manifests.highest]) ??
        (await objectionTo(manifest));
      if (objection) return refused(objection);
      const answer = await write(environment, stored, { bytes, manifest, epoch });
      if (answer) return answer;
    }
    throw lostRaces(environment);
  };

  const record = async (
    environment: string,
    addressed: number,
    bytes: Uint8Array,
    conditions: Conditions,
  ): Promise<WriteAnswer> => {
    const path = historyPath(environment, addressed);
    const there = await store.past(environment, addressed);
    if (there)
      return isSame(there, bytes) ? { kind: 'same', tag: entityTagOf(there) } : refused(historyIsKept(path));
    if (!mayWrite(conditions, undefined)) return CHANGED;
    const read = readPublication({ document: bytes, environment, trust: await trust(), nowMs: undefined });
    if (read.kind === 'refused') return read;
    const { serial } = read.publication.manifest;
    const { current } = await copies.read(environment);
    const objection = refuseHistory(path, { addressed, serial }, current?.serial);
    if (objection !== undefined) return refused(objection);
    if ((await store.record(environment, serial, bytes)) === 'kept') return refused(historyIsKept(path));
    return { kind: 'written', isNew: true, tag: entityTagOf(bytes), serial };
  };

  return {
    environments: copies.environments,
    listed: store.environments,
    current: copies.current,
    read: async (environment) => (await copies.read(environment)).current,
    isAhead: (environment, conditions) => copies.tags(environment).some((tag) => isKnown(conditions, tag)),
    serials: store.serials,
    past: async (environment, serial) => {
      const bytes = await store.past(environment, serial);
      return bytes && { bytes, tag: entityTagOf(bytes) };
    },
    publish: (environment, bytes, conditions, objection = async () => Promise.resolve(undefined)) =>
      inTurn(environment, () => publish(environment, bytes, conditions, objection)),
    record: (environment, serial, bytes, conditions) =>
      inTurn(environment, () => record(environment, serial, bytes, conditions)),
    probes: store,
  };
};
