import { isStuck } from './slots.ts';
import {
  audited,
  concerned,
  isHeard,
  isOfChange,
  replaceChange,
  unfinishedChanges,
  without,
  type FleetView,
} from './fleet-view.ts';
import type { HostWord, ServiceWord } from './host-word.ts';
import type { Change, HostEnd, Turn, TurnState } from './turn-state.ts';

/** With the last good image in other settings, the version is good whatever becomes of the settings. */
const isGood = (change: Change, service: ServiceWord): boolean =>
  isOfChange(change, service) && (service.state === 'good' || service.kind === 'files');

const isFailed = (change: Change, service: ServiceWord): boolean =>
  isOfChange(change, service) && service.state === 'failed' && service.kind !== 'files';

const SPOILT: ReadonlySet<string> = new Set(['unhealthy', 'exited']);

/** Good, and no longer well: what the soak is for. */
const isSpoilt = (change: Change, service: ServiceWord): boolean =>
  isGood(change, service) && service.outcome === 'blocked' && SPOILT.has(service.reason ?? '');

const entriesIn = (services: readonly ServiceWord[]): readonly string[] => [
  ...new Set(services.flatMap(({ entry }) => entry ?? [])),
];

type End = Omit<HostEnd, 'atMs' | 'forgiven'>;

const failed = (change: Change, word: HostWord, services: readonly ServiceWord[]): End => {
  const unserved = change.turned[word.host]?.unserved;
  const [first] = services;
  return {
    result: 'failed',
    entries: entriesIn(services),
    countsUntilGood: services.every(({ service, hasServed }) => unserved?.includes(service) ?? !hasServed),
    message: first?.failure?.message ?? first?.message ?? null,
    log: first?.failure?.log ?? [],
  };
};

const GOOD = { countsUntilGood: false, message: null, log: [] } as const;

/** What becomes of a turn whose host says nothing more, or does not end. */
const endOfTurn = (state: TurnState, change: Change, turn: Turn, nowMs: number): End | undefined => {
  const services = Object.values(turn.services).filter(
    ({ entry, digest, attempt }) =>
      entry !== null &&
      change.entries[entry]?.digest === digest &&
      change.entries[entry]?.attempt === attempt,
  );
  const entries = [...new Set(services.flatMap(({ entry }) => entry ?? []))];
  if (entries.length === 0) return undefined;
  const end = { entries, countsUntilGood: false, log: [] };
  if (turn.lostAtMs !== null)
    return { ...end, result: 'lost', message: 'it has a turn, and has fallen silent' };
  return services.some((s) => isStuck(state, turn, s, nowMs))
    ? { ...end, result: 'stuck', message: 'it has begun, and does not end' }
    : undefined;
};

/** Undefined keeps what is known; null forgets it. */
const endOf = (state: TurnState, change: Change, word: HostWord, nowMs: number): End | null | undefined => {
  const before = change.ends[word.host];
  const turn = state.turns[word.host];
  const silent = turn && endOfTurn(state, change, turn, nowMs);
  if (silent) return silent;
  const isOver = before?.result === 'lost' || before?.result === 'stuck';
  if (!isHeard(state, word)) return isOver ? null : undefined;
  const services = concerned(change, word);
  const spoilt = services.filter((s) => isSpoilt(change, s));
  if (spoilt.length > 0 && before && before.result !== 'returned')
    return { ...failed(change, word, spoilt), countsUntilGood: false };
  const bad = services.filter((s) => isFailed(change, s));
  if (bad.length > 0) return failed(change, word, bad);
  if (services.length > 0 && services.every((s) => isGood(change, s)))
    return { ...GOOD, result: 'good', entries: entriesIn(services) };
  const isAgain = before?.result === 'failed' && services.every((s) => isOfChange(change, s));
  return isOver || isAgain ? null : undefined;
};

const isSameEnd = (a: HostEnd, b: End): boolean =>
  a.result === b.result && a.entries.join(' ') === b.entries.join(' ');

const endsOf = (state: TurnState, given: Change, word: HostWord, nowMs: number): TurnState => {
  const { host } = word;
  const before = given.ends[host];
  const end = endOf(state, given, word, nowMs);
  if (end === undefined) return state;
  if (end === null)
    return before ? replaceChange(state, { ...given, ends: without(given.ends, host) }) : state;
  if (before && isSameEnd(before, end)) return state;
  const ends = { ...given.ends, [host]: { ...end, atMs: nowMs, forgiven: false } };
  const noted = replaceChange(state, { ...given, ends });
  const what = `serial ${String(given.serial)}: ${end.entries.join(', ')}`;
  const message = end.message === null ? what : `${what}: ${end.message}`;
  return end.result === 'stuck' || end.result === 'failed'
    ? audited(noted, nowMs, end.result, message, { host })
    : noted;
};

/** Notes for each unfinished change on which hosts it is good, failed, lost or stuck. */
export const endHosts = (state: TurnState, view: FleetView): TurnState =>
  unfinishedChanges(state).reduce(
    (s, { serial }) =>
      view.words.reduce((next, word) => {
        const change = next.changes.find((c) => c.serial === serial);
        return change ? endsOf(next, change, word, view.nowMs) : next;
      }, s),
    state,
  );
