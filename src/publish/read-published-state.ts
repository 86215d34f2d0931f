import { isSpent } from '../core/manifest/serial.ts';
import type { StoredDocument } from '../core/ports/document-store.ts';
import type { Opened, PublishedState, Unusable } from '../core/publish/published-state.ts';

/** The largest number of documents that the search for a usable manifest reads. */
const MOST = 50;

interface Found {
  readonly place: StoredDocument | undefined;
  /** The judged document at the current address. */
  readonly opened: Opened | undefined;
  /** Serials of the history; undefined if the store cannot list. */
  readonly listed: readonly number[] | undefined;
  /** The highest serial that hosts report; undefined if none does. */
  readonly reported: number | undefined;
  readonly open: (serial: number, signal: AbortSignal) => Promise<Opened | undefined>;
}

const serialIn = (opened: Opened | undefined): number | undefined =>
  opened?.kind === 'usable' ? opened.usable.manifest.serial : opened?.unusable.manifest?.serial;

const from = (serial: number | undefined): readonly number[] =>
  serial === undefined || isSpent(serial)
    ? []
    : Array.from({ length: MOST }, (_, n) => serial - n).filter((n) => n > 0);

const isSame = (a: Unusable, b: Unusable): boolean =>
  a.manifest?.serial === b.manifest?.serial && a.message === b.message;

/**
 * Finds the newest manifest that a publish may build upon. Reads no history if the current one is usable and
 * no newer one is known. If the store cannot list, tries serials downwards from the reported and the current
 * one.
 */
export const readPublishedState = async (
  { place, opened, listed, reported, open }: Found,
  signal: AbortSignal,
): Promise<PublishedState> => {
  const serialInPlace = serialIn(opened);
  let newest = opened?.kind === 'usable' ? opened.usable : undefined;
  const unusable: Unusable[] = opened?.kind === 'unusable' ? [opened.unusable] : [];
  const tried = listed ?? [...from(reported), ...(newest ? [] : from(serialInPlace))];
  for (const serial of [...new Set(tried)].toSorted((a, b) => b - a).slice(0, MOST)) {
    if (newest && serial <= newest.manifest.serial) break;
    const found = await open(serial, signal);
    if (found?.kind === 'usable') newest = found.usable;
    // A hub has the current manifest in its history too.
    if (found?.kind === 'unusable' && !unusable.some((u) => isSame(u, found.unusable)))
      unusable.push(found.unusable);
  }
  return {
    place,
    serialInPlace,
    newest,
    unusable: unusable.toSorted((a, b) => (b.manifest?.serial ?? 0) - (a.manifest?.serial ?? 0)),
    serials: [...new Set([...(listed ?? []), ...(serialInPlace === undefined ? [] : [serialInPlace])])],
  };
};
