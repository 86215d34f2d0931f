import { versionOf } from '../image/image-version.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { EpochMs } from '../time.ts';
import { audited } from './audit.ts';
import { sameVersion } from './fleet-view.ts';
import type { Change, HostEnd, TurnState } from './turn-state.ts';

type Entries = Change['entries'];

const entriesOf = (manifest: Manifest): Entries =>
  Object.fromEntries(
    Object.entries(manifest.services).map(([name, { image, attempt }]) => [
      name,
      { digest: image.digest ?? null, attempt, version: versionOf(image) },
    ]),
  );

const only = (entries: Entries, isKept: (name: string) => boolean): Entries =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => isKept(name)));

const remaining = (ends: Change['ends'], entries: Entries): Change['ends'] =>
  Object.fromEntries(
    Object.entries(ends).flatMap(([host, end]): (readonly [string, HostEnd])[] => {
      const left = end.entries.filter((name) => entries[name] !== undefined);
      return left.length > 0 ? [[host, { ...end, entries: left }]] : [];
    }),
  );

/** Takes overtaken and removed entries out of a change. A halt ends with the entries that caused it. */
const overtake = (change: Change, isLive: (name: string) => boolean): readonly Change[] => {
  const entries = only(change.entries, isLive);
  const names = Object.keys(entries);
  if (names.length === 0) return [];
  if (names.length === Object.keys(change.entries).length) return [change];
  const halted = change.halted?.entries.some((name) => entries[name] !== undefined) ? change.halted : null;
  return [{ ...change, entries, halted, ends: remaining(change.ends, entries) }];
};

const MOST_ABANDONED = 20;

/** Notes what a manifest overtakes before it was finished. What went back ran before, and may again. */
const abandonedBy = (state: TurnState, isLive: (name: string) => boolean): TurnState['abandoned'] => {
  let { abandoned } = state;
  for (const { entries, urgent, finishedAtMs } of state.changes) {
    if (urgent || finishedAtMs !== null) continue;
    for (const [name, { digest }] of Object.entries(entries)) {
      const known = abandoned[name] ?? [];
      if (isLive(name) || digest === null || known.includes(digest)) continue;
      abandoned = { ...abandoned, [name]: [digest, ...known].slice(0, MOST_ABANDONED) };
    }
  }
  return abandoned;
};

/** The change that a manifest makes, before its first wave opens. */
const changeOf = (manifest: Manifest, entries: Entries, nowMs: EpochMs): Change | undefined => {
  const { pace, urgent, serial } = manifest;
  if (!pace || Object.keys(entries).length === 0) return undefined;
  return {
    serial,
    madeAtMs: nowMs,
    urgent: urgent ?? null,
    waves: urgent ? [{ percent: 100 }] : pace.waves,
    soakSeconds: urgent ? 0 : pace.soakSeconds,
    haltAfter: pace.haltAfter,
    entries,
    opened: [],
    ends: {},
    turned: {},
    delays: {},
    halted: null,
    finishedAtMs: null,
  };
};

/**
 * The state after the next manifest: entries with another digest or attempt become a change, and leave the
 * changes that they overtake. Entries that stay leave their changes alone. A manifest without a pace ends
 * all changes. Serials that were followed before are ignored.
 */
export const followManifest = (state: TurnState, manifest: Manifest, nowMs: EpochMs): TurnState => {
  if (manifest.serial <= state.serial) return state;
  const entries = entriesOf(manifest);
  const isSame = (name: string): boolean => {
    const [before, now] = [state.entries[name], entries[name]];
    return before !== undefined && now !== undefined && sameVersion(before, now);
  };
  const made = changeOf(
    manifest,
    only(entries, (name) => !isSame(name)),
    nowMs,
  );
  const followed: TurnState = {
    ...state,
    serial: manifest.serial,
    entries: Object.fromEntries(
      Object.entries(entries).map(([name, { digest, attempt }]) => [name, { digest, attempt }]),
    ),
    pace: manifest.pace ?? null,
    abandoned: abandonedBy(state, isSame),
    changes: manifest.pace
      ? [...state.changes.flatMap((change) => overtake(change, isSame)), ...(made ? [made] : [])]
      : [],
  };
  if (!made) return followed;
  const what = Object.entries(made.entries).map(([name, { version }]) => `${name} ${version}`);
  return audited(followed, nowMs, 'change', `serial ${String(made.serial)}: ${what.join(', ')}`);
};
