import { amountOf, waveName } from '../manifest/pace.ts';
import { hasLabels } from '../fleet/host-labels.ts';
import type { EpochMs } from '../time.ts';
import { audited } from './audit.ts';
import {
  concerned,
  counted,
  hasGood,
  isHaltedByPerson,
  positionOf,
  replaceChange,
  unfinishedChanges,
  type FleetView,
} from './fleet-view.ts';
import { excuseOf, isTemporary, otherReason } from './excuses.ts';
import type { HostWord } from './host-word.ts';
import type { Change, OpenedWave, TurnState } from './turn-state.ts';

/** `2 of 3 (10%)` */
export const waveText = ({ waves }: Change, number: number): string => {
  const wave = waves[number];
  return `${String(number + 1)} of ${String(waves.length)}${wave ? ` (${waveName(wave)})` : ''}`;
};

export const openWaveOf = ({ opened }: Change): number => opened.length - 1;

const belongs = (change: Change, word: HostWord): boolean => concerned(change, word).length > 0;

const isSelected = (state: TurnState, change: Change, word: HostWord, number: number): boolean => {
  const wave = change.waves[number];
  if (!wave) return false;
  if ('labels' in wave) return hasLabels(word.labels, wave.labels);
  const upTo = change.opened[number]?.upTo ?? -1;
  return upTo >= 1 || (upTo >= 0 && positionOf(state, change, word.host) <= upTo);
};

/**
 * A service of the change served on this host before, and does not serve now. So the host belongs to the open
 * wave.
 */
const hasOutage = (change: Change, word: HostWord): boolean =>
  concerned(change, word).some(({ serves, hasServed }) => hasServed && serves === false);

/** The hosts that this wave waits for. */
export const membersOf = (
  state: TurnState,
  view: FleetView,
  change: Change,
  number: number,
): readonly HostWord[] =>
  view.words.filter(
    (word) =>
      belongs(change, word) &&
      (isSelected(state, change, word, number) ||
        change.turned[word.host]?.wave === number ||
        (number === openWaveOf(change) && change.ends[word.host] === undefined && hasOutage(change, word))),
  );

/** Whether a host may go by the waves that are open: also those of passed waves. */
export const mayGo = (state: TurnState, change: Change, word: HostWord): boolean =>
  change.turned[word.host] !== undefined ||
  hasOutage(change, word) ||
  change.opened.some((_wave, number) => isSelected(state, change, word, number));

/** The position up to which a share of the change's hosts goes. */
const positionUpTo = (state: TurnState, view: FleetView, change: Change, percent: number): number => {
  if (percent >= 100) return 1;
  const hosts = counted(state, view).filter((word) => belongs(change, word));
  const positions = hosts.map(({ host }) => positionOf(state, change, host)).toSorted((a, b) => a - b);
  return positions[Math.ceil((percent * hosts.length) / 100) - 1] ?? -1;
};

const opened = (state: TurnState, view: FleetView, change: Change): TurnState => {
  const number = change.opened.length;
  const wave = change.waves[number];
  if (!wave) return state;
  const upTo = 'labels' in wave ? null : positionUpTo(state, view, change, wave.percent);
  const open: OpenedWave = { openedAtMs: view.nowMs, upTo };
  const next = replaceChange(state, { ...change, opened: [...change.opened, open], delays: {} });
  const message = `serial ${String(change.serial)}: wave ${waveText(change, number)}`;
  return audited(next, view.nowMs, 'wave', message);
};

export interface WaveResult {
  readonly members: readonly HostWord[];
  readonly good: readonly string[];
  /** Failed, lost or stuck. */
  readonly failed: readonly string[];
  readonly excused: readonly { readonly host: string; readonly reason: string }[];
  /** Members that the wave waits for. */
  readonly waiting: readonly HostWord[];
}

/** How far the members of a wave are. */
export const resultOf = (state: TurnState, view: FleetView, change: Change, number: number): WaveResult => {
  const members = membersOf(state, view, change, number);
  const good: string[] = [];
  const failed: string[] = [];
  const excused: { host: string; reason: string }[] = [];
  const waiting: HostWord[] = [];
  for (const word of members) {
    const { host } = word;
    const result = change.ends[host]?.result;
    if (state.leftOut[host]) excused.push({ host, reason: 'left out' });
    else if (result === 'good') good.push(host);
    else if (result !== undefined && result !== 'returned') failed.push(host);
    else {
      const reason = excuseOf(state, change, word, view.nowMs);
      if (reason === undefined) waiting.push(word);
      else excused.push({ host, reason });
    }
  }
  return { members, good, failed, excused, waiting };
};

/** Whether every member has ended or is left out, and none is good. */
export const hasNoGood = ({ good, excused, waiting }: WaveResult): boolean =>
  good.length + waiting.length === 0 && excused.every(({ reason }) => reason === 'left out');

/** Whether a person has decided about every member: left out, or forgiven. */
const isWaived = (change: Change, result: WaveResult): boolean =>
  hasNoGood(result) && result.failed.every((host) => change.ends[host]?.forgiven === true);

/** When the soak of the open wave ends; nothing soaks if nothing ended in it. */
export const soaksUntilMs = (change: Change, { good, failed }: WaveResult): EpochMs => {
  const openedAtMs = change.opened.at(-1)?.openedAtMs ?? 0;
  const ends = [...good, ...failed].flatMap((host) => change.ends[host]?.atMs ?? []);
  const last = Math.max(0, ...ends.filter((atMs) => atMs >= openedAtMs));
  return last === 0 ? 0 : last + change.soakSeconds * 1000;
};

const isFinal = ({ opened: open, waves }: Change): boolean => open.length === waves.length;

/** What has finished on the fleet is no longer abandoned. */
const withoutFinished = ({ abandoned }: TurnState, { entries }: Change): TurnState['abandoned'] =>
  Object.fromEntries(
    Object.entries(abandoned).map(([name, digests]) => [
      name,
      digests.filter((digest) => digest !== entries[name]?.digest),
    ]),
  );

const finish = (state: TurnState, view: FleetView, change: Change): TurnState =>
  audited(
    replaceChange(
      { ...state, abandoned: withoutFinished(state, change) },
      { ...change, finishedAtMs: view.nowMs, delays: {} },
    ),
    view.nowMs,
    'finished',
    `serial ${String(change.serial)}`,
  );

/** A change ends only where it was tried: with a good host, or with hosts that a person waived. */
const isTried = (change: Change, result: WaveResult): boolean => hasGood(change) || result.members.length > 0;

/** The next step of a change's waves; the same state if the open wave goes on. */
const advance = (state: TurnState, view: FleetView, change: Change): TurnState => {
  if (change.halted || isHaltedByPerson(state, change)) return state;
  if (change.opened.length === 0) {
    const isAnywhere = counted(state, view).some((word) => belongs(change, word));
    return isAnywhere ? opened(state, view, change) : state;
  }
  const result = resultOf(state, view, change, openWaveOf(change));
  const isPassed = isWaived(change, result);
  if (!isPassed) {
    if (result.waiting.length > 0 || result.good.length === 0) return state;
    if (soaksUntilMs(change, result) > view.nowMs) return state;
  }
  if (!isFinal(change)) return opened(state, view, change);
  if (!isTried(change, result) || result.excused.some(({ reason }) => isTemporary(reason))) return state;
  return finish(state, view, change);
};

/**
 * Records since when a member of the open wave waits for another reason than its turn. A member that gives
 * its turns back has such a reason too, also while it asks for the next turn.
 */
const noteDelays = (state: TurnState, view: FleetView, change: Change): TurnState => {
  const { waiting } = resultOf(state, view, { ...change, delays: {} }, openWaveOf(change));
  const now = Object.fromEntries(
    waiting.flatMap((word) => {
      const before = change.delays[word.host];
      const isReturning = state.returned[word.host] !== undefined;
      if (state.turns[word.host]) return before && isReturning ? [[word.host, before]] : [];
      const reason = otherReason(state, change, word) ?? (isReturning ? 'gave its turn back' : null);
      return reason === null ? [] : [[word.host, { reason, sinceMs: before?.sinceMs ?? view.nowMs }]];
    }),
  );
  const isSame = (a: typeof now, b: typeof now): boolean =>
    Object.keys(a).length === Object.keys(b).length &&
    Object.keys(a).every((host) => a[host]?.reason === b[host]?.reason);
  return isSame(now, change.delays) ? state : replaceChange(state, { ...change, delays: now });
};

/** Opens waves and finishes changes. A store that has just started opens nothing. */
export const moveWaves = (state: TurnState, view: FleetView): TurnState => {
  if (view.starting) return state;
  let next = state;
  for (const { serial } of unfinishedChanges(state)) {
    for (;;) {
      const change = next.changes.find((c) => c.serial === serial);
      if (!change || change.finishedAtMs !== null) break;
      const noted = change.opened.length > 0 ? noteDelays(next, view, change) : next;
      const moved = advance(noted, view, noted.changes.find((c) => c.serial === serial) ?? change);
      if (moved === noted) {
        next = noted;
        break;
      }
      next = moved;
    }
  }
  return next;
};

/** How many hosts of an entry may fail. */
export const toleratedIn = (state: TurnState, view: FleetView, change: Change, entry: string): number =>
  amountOf(
    change.haltAfter,
    counted(state, view).filter(({ services }) => services.some((s) => s.entry === entry)).length,
  );
