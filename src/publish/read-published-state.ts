import { isSpent } from '../core/manifest/serial.ts';
import type { StoredDocument } from '../core/ports/document-store.ts';
import type { Opened, PublishedState, Unusable } from '../core/publish/published-state.ts';

/** How many documents are looked at before the search for one to build upon is given up. */
const MOST = 50;

interface Found {
  readonly place: StoredDocument | undefined;
  /** The document in its place, judged. */
  readonly opened: Opened | undefined;
  /** The serials of the history; undefined: the store cannot list. */
  readonly listed: readonly number[] | undefined;
  /** The highest that hosts report; undefined: none does. */
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
 * The newest manifest that may be built upon. Where the current one is good and nothing newer is known,
 * nothing else is read. Where the store cannot list, the serials from the reported and the current one
 * downwards are tried.
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
    // A hub has the current one in its history too.
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
