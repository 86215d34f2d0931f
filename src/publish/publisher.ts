import type { KeyObject } from 'node:crypto';
import { AgentError, messageOf } from '../core/errors.ts';
import { historyPath, manifestPath, probePath } from '../core/fleet/store-layout.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import { seal } from '../core/manifest/seal.ts';
import type { DocumentStore, WriteCondition } from '../core/ports/document-store.ts';
import type { Named } from '../core/publish/overwrite-checks.ts';
import { draft, refuseSerial, type DraftOptions, type Services, type Speed } from '../core/publish/draft.ts';
import { refuseBesidePace } from '../core/publish/pace-checks.ts';
import { renderManifest } from '../core/publish/render-manifest.ts';
import { findBase, type Base, type ChosenBase } from './base-manifest.ts';
import type { EnvironmentStore } from './environment-store.ts';

export interface PublisherOptions {
  readonly store: DocumentStore;
  readonly environment: string;
  readonly view: EnvironmentStore;
  /** Empty for an unsigned manifest. */
  readonly keys: readonly KeyObject[];
  /** The store supports no conditional writes, and no other publisher uses it. */
  readonly isSingleWriter: boolean;
  /** The trust file of the hosts judges manifests, and not only the keys of this publish. */
  readonly isHostsTrust: boolean;
}

/** What is about to be published, and where to. */
export interface Draft {
  readonly before: Manifest | undefined;
  readonly manifest: Manifest;
  readonly lostPace: Base['lostPace'];
  readonly fleet: Base['fleet'];
}

export interface Proposal {
  /** The versions to publish on top of `before`. Called again with the new state after a lost race. */
  readonly services: (before: Manifest | undefined, signal: AbortSignal) => Promise<Services>;
  /** Services that have a version in the proposal. */
  readonly named: Named;
  /** Undefined for the newest usable manifest. */
  readonly base?: ChosenBase | undefined;
  /** Takes over versions without a signature by a known key. */
  readonly adopts?: boolean;
  /** Allows a new environment. */
  readonly creates?: boolean;
  readonly terms: DraftOptions;
  /** Keeps the pace of `before` without it. */
  readonly speed?: (before: Manifest | undefined) => Speed;
  /**
   * Refuses a manifest before it is written, or returns remarks on it. Called again with the new state after
   * a lost race.
   */
  readonly check?: (draft: Draft, signal: AbortSignal) => Promise<readonly string[]>;
  /** Undefined for the next one. */
  readonly serial: number | undefined;
  readonly isDryRun: boolean;
}

export interface Published {
  readonly before: Manifest | undefined;
  readonly manifest: Manifest;
  readonly isWritten: boolean;
  readonly isAdopted: boolean;
  /** This is the environment's first manifest. */
  readonly isNew: boolean;
  /** Documents in the store that the publish ignored, and why; what its check found. */
  readonly remarks: readonly string[];
  /** The highest serial known before; above the store's if the store was restored from a backup. */
  readonly highest: number;
  /** Why the history is incomplete although the manifest is published. The next publish completes it. */
  readonly trouble: string | undefined;
}

const RACES = 10;

const lostRace = (serial: number | undefined, store: string): AgentError => {
  const what =
    serial === undefined
      ? `other publishers were first, ${String(RACES)} times in a row`
      : `another publisher was first: serial ${String(serial)} is no longer free`;
  return new AgentError('STORE', what, {
    advice: `check what is published in ${store} now, and publish again`,
  });
};

const isSame = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

const troubleOf = async (work: Promise<void>, signal: AbortSignal): Promise<string | undefined> => {
  try {
    await work;
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
};

/** Publishes manifests to a store that other publishers may use too. */
export const createPublisher = (o: PublisherOptions) => {
  const { store, environment, view } = o;
  const path = manifestPath(environment);
  const documentOf = (manifest: Manifest): Uint8Array => {
    const payload = renderManifest(manifest);
    return o.keys.length === 0 ? payload : Buffer.from(`${JSON.stringify(seal(payload, o.keys), null, 2)}\n`);
  };
  let isProven = o.isSingleWriter;
  const prove = async (signal: AbortSignal): Promise<void> => {
    if (isProven) return;
    isProven = await store.honoursConditions(probePath(environment), signal);
    if (isProven) return;
    throw new AgentError(
      'STORE',
      `${store.name} ignores If-Match: two publishers could overwrite each other`,
      {
        advice:
          'publish to a hub (`supercargo hub`), or add --single-writer if only this job ever publishes there',
      },
    );
  };
  /**
   * Writes a copy to the history if it is missing. A hub writes it itself, but a publisher killed between its
   * two writes leaves a gap.
   */
  const completeHistory = async (
    serial: number,
    document: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> => {
    const history = historyPath(environment, serial);
    if (await store.read(history, signal)) return;
    await store.write(history, document, o.isSingleWriter ? { kind: 'none' } : { kind: 'absent' }, signal);
  };
  const conditionFor = ({ place }: Base): WriteCondition => {
    if (o.isSingleWriter) return { kind: 'none' };
    if (!place) return { kind: 'absent' };
    const { version } = place;
    if (version !== undefined) return { kind: 'unchanged', version };
    throw new AgentError('STORE', `${store.name} gives no strong ETag, so a write cannot be conditional`, {
      advice: 'publish to a hub, or add --single-writer if only this job ever publishes there',
    });
  };
  /** Returns false if another publisher was first. */
  const write = async (
    base: Base,
    { serial, document }: { readonly serial: number; readonly document: Uint8Array },
    signal: AbortSignal,
  ): Promise<boolean> => {
    // A publisher that builds on this manifest copies it to the history first, so the history proves the
    // write.
    const isThere = async (): Promise<boolean> =>
      isSame(document, (await store.read(path, signal))?.bytes) ||
      isSame(document, (await store.read(historyPath(environment, serial), signal))?.bytes);
    try {
      // A write whose answer was lost is sent again, and is refused if the first one has replaced the
      // document.
      if ((await store.write(path, document, conditionFor(base), signal)) === 'refused')
        return await isThere();
    } catch (error) {
      signal.throwIfAborted();
      // The response may be lost, or the error may follow the write: what the store has now decides.
      if (await isThere().catch(() => false)) return true;
      throw error;
    }
    // Some stores respond before the write, or let two writers in.
    return isThere();
  };

  return {
    /** @throws AgentError STORE, KEY, USAGE, or what `services` throws; nothing is written then. */
    publish: async (proposal: Proposal, signal: AbortSignal): Promise<Published> => {
      const { base: chosen, adopts = false, creates = false, named } = proposal;
      for (let race = 0; race < RACES; race += 1) {
        const options = { view, environment, isHostsTrust: o.isHostsTrust, chosen, adopts, creates };
        const base = await findBase(options, named, signal);
        const { manifest: before, isAdopted, isNew, highest, remarks } = base;
        const serial = proposal.serial ?? highest + 1;
        refuseSerial(serial, highest);
        const services = await proposal.services(before, signal);
        const speed = proposal.speed?.(before) ?? { pace: before?.pace, urgent: undefined };
        const manifest = draft(environment, serial, services, proposal.terms, speed);
        refuseBesidePace(manifest);
        const { lostPace, fleet } = base;
        const checked = (await proposal.check?.({ before, manifest, lostPace, fleet }, signal)) ?? [];
        const drafted = { before, manifest, isAdopted, isNew, highest, remarks: [...remarks, ...checked] };
        if (proposal.isDryRun) return { ...drafted, isWritten: false, trouble: undefined };
        await prove(signal);
        if (base.toKeep) await completeHistory(base.toKeep.serial, base.toKeep.bytes, signal);
        const document = documentOf(manifest);
        if (await write(base, { serial, document }, signal)) {
          const trouble = await troubleOf(completeHistory(serial, document, signal), signal);
          return { ...drafted, isWritten: true, trouble };
        }
        // An explicit choice was made for the old state, so a retry would silently drop the other publish.
        if (proposal.serial !== undefined || chosen || adopts) throw lostRace(serial, store.name);
      }
      throw lostRace(undefined, store.name);
    },
  };
};
export type Publisher = ReturnType<typeof createPublisher>;
