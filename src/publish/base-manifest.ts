import { manifestPath } from '../core/fleet/store-layout.ts';
import type { FleetTotals } from '../core/fleet/fleet-totals.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { Pace } from '../core/manifest/pace.ts';
import type { StoredDocument } from '../core/ports/document-store.ts';
import {
  refuseLoss,
  refuseNewer,
  refuseUnverified,
  remarksOn,
  unverifiedOf,
  type Circumstances,
  type Named,
} from '../core/publish/overwrite-checks.ts';
import { highestSerial } from '../core/publish/draft.ts';
import { refuseUnknownName, unpublished } from '../core/publish/environments.ts';
import type { EnvironmentStore } from './environment-store.ts';

/** A base that an operator has chosen. */
export type ChosenBase =
  | { readonly kind: 'serial'; readonly serial: number }
  /** Publishes only the named services. */
  | { readonly kind: 'none' };

export interface BaseOptions {
  readonly view: EnvironmentStore;
  readonly environment: string;
  readonly isHostsTrust: boolean;
  /** Undefined for the newest usable manifest. */
  readonly chosen: ChosenBase | undefined;
  /** Takes over versions without a signature by a known key. */
  readonly adopts: boolean;
  /** Allows a new environment. */
  readonly creates: boolean;
}

export interface Base {
  /** The document at the current address, for conditional writes. */
  readonly place: StoredDocument | undefined;
  readonly manifest: Manifest | undefined;
  /** A document that has to be in the history before it is replaced. */
  readonly toKeep: { readonly serial: number; readonly bytes: Uint8Array } | undefined;
  /** The base has no signature by a known key. */
  readonly isAdopted: boolean;
  readonly isNew: boolean;
  /** The highest known serial; the next one is above it. */
  readonly highest: number;
  readonly remarks: readonly string[];
  /** The newest manifest of any kind, if it has a pace and the base has none. */
  readonly lostPace: (Manifest & { readonly pace: Pace }) | undefined;
  /** Of all hosts that report. */
  readonly fleet: FleetTotals;
}

/** Reads a manifest of the history; `adopts` accepts any signature. @throws AgentError STORE, KEY */
export const openSerial = async (
  { view, adopts }: Pick<BaseOptions, 'view' | 'adopts'>,
  serial: number,
  signal: AbortSignal,
): Promise<{ readonly manifest: Manifest; readonly isAdopted: boolean }> => {
  const opened = adopts ? await view.open(serial, signal) : undefined;
  if (opened?.kind === 'unusable' && opened.unusable.manifest)
    return { manifest: opened.unusable.manifest, isAdopted: true };
  return { manifest: await view.published(serial, signal), isAdopted: false };
};

const choose = async (
  o: BaseOptions,
  c: Circumstances,
  named: Named,
  signal: AbortSignal,
): Promise<{ manifest: Manifest | undefined; isAdopted: boolean }> => {
  if (o.chosen?.kind === 'none') return { manifest: undefined, isAdopted: false };
  if (o.chosen) return openSerial(o, o.chosen.serial, signal);
  refuseNewer(c);
  const unverified = o.adopts ? unverifiedOf(c)?.manifest : undefined;
  if (unverified) return { manifest: unverified, isAdopted: true };
  refuseUnverified(c, named);
  const { newest, unusable } = c.state;
  const [first] = unusable;
  // Throws, because an unreadable document may contain services that the publish would drop.
  if (!newest && first && !first.manifest) await o.view.current(signal);
  if (newest) refuseLoss(c, newest.manifest, named);
  return { manifest: newest?.manifest, isAdopted: false };
};

const serialsOf = ({ serials }: FleetTotals): readonly number[] => serials.map(({ serial }) => serial);

const readCircumstances = async (
  { view, isHostsTrust }: Pick<BaseOptions, 'view' | 'isHostsTrust'>,
  signal: AbortSignal,
): Promise<Circumstances> => {
  const { totals: fleet } = await view.fleet({ target: undefined }, signal);
  const state = await view.state(signal, highestSerial([], serialsOf(fleet)));
  return { store: view.name, state, fleet, isHostsTrust };
};

/**
 * The current manifest of the environment.
 * @throws AgentError STORE if nothing is published, KEY if hosts may run a newer one without a signature by a
 * known key
 */
export const findCurrent = async (
  o: Pick<BaseOptions, 'view' | 'environment' | 'isHostsTrust' | 'adopts'>,
  signal: AbortSignal,
): Promise<{ readonly manifest: Manifest; readonly remarks: readonly string[] }> => {
  const { view, environment } = o;
  const c = await readCircumstances(o, signal);
  refuseNewer(c);
  const unverified = o.adopts ? unverifiedOf(c)?.manifest : undefined;
  if (unverified) return { manifest: unverified, remarks: [] };
  refuseUnverified(c, []);
  const current = c.state.newest ?? (await view.current(signal));
  if (current) return { manifest: current.manifest, remarks: remarksOn(c, current.manifest.serial) };
  throw unpublished(environment, view.name, (await view.environments(signal)) ?? []);
};

/** Refuses a new name, unless a host already reports for that environment. */
const refuseTypingError = async (
  { view, environment }: BaseOptions,
  { fleet }: Circumstances,
  signal: AbortSignal,
): Promise<void> => {
  if (fleet.hosts > 0) return;
  refuseUnknownName(environment, view.name, (await view.environments(signal)) ?? []);
};

/** The manifest's bytes, if the history might not have them. */
const toKeepOf = (
  { state: { place, newest, unusable } }: Circumstances,
  manifest: Manifest | undefined,
): Base['toKeep'] => {
  if (!manifest) return undefined;
  const { serial, environment } = manifest;
  if (newest?.manifest === manifest) return { serial, bytes: newest.bytes };
  const isInPlace = unusable.some((u) => u.manifest === manifest && u.path === manifestPath(environment));
  return isInPlace && place ? { serial, bytes: place.bytes } : undefined;
};

const lostPaceOf = (
  { state: { newest, unusable } }: Circumstances,
  manifest: Manifest | undefined,
): Base['lostPace'] => {
  if (manifest?.pace !== undefined) return undefined;
  const [latest] = [newest, ...unusable]
    .flatMap((found) => found?.manifest ?? [])
    .toSorted((a, b) => b.serial - a.serial);
  return latest?.pace === undefined ? undefined : { ...latest, pace: latest.pace };
};

/**
 * Finds the base of the next manifest.
 * @throws AgentError STORE, KEY or USAGE if a publish would silently sign, drop or take back a version, or if
 * the environment is probably misspelt
 */
export const findBase = async (o: BaseOptions, named: Named, signal: AbortSignal): Promise<Base> => {
  const c = await readCircumstances(o, signal);
  const { state, fleet } = c;
  const isNew = !state.place && state.serials.length === 0;
  if (isNew && !o.creates) await refuseTypingError(o, c, signal);
  const { manifest, isAdopted } = await choose(o, c, named, signal);
  const highest = highestSerial([manifest?.serial ?? 0, ...state.serials], serialsOf(fleet));
  return {
    place: state.place,
    manifest,
    toKeep: toKeepOf(c, manifest),
    isAdopted,
    isNew,
    highest,
    remarks: o.chosen || isAdopted ? [] : remarksOn(c, highest),
    lostPace: lostPaceOf(c, manifest),
    fleet,
  };
};
