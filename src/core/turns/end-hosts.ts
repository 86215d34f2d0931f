import { isStuck } from './places.ts';
import { audited } from './audit.ts';
import {
  concerned,
  isHeard,
  isOfChange,
  isSettled,
  replaceChange,
  unfinishedChanges,
  type FleetView,
} from './fleet-view.ts';
import type { HostWord, ServiceWord } from './host-word.ts';
import type { Change, HostEnd, Turn, TurnState } from './turn-state.ts';

/** With the last good image in other settings, the version is good whatever becomes of the settings. */
const isProved = (change: Change, service: ServiceWord): boolean =>
  isOfChange(change, service) && (service.state === 'good' || service.kind === 'files');

const isGood = (change: Change, service: ServiceWord): boolean =>
  isProved(change, service) && (service.state === 'good' ? isSettled(service) : !service.isUnsettled);

const isFailed = (change: Change, service: ServiceWord): boolean =>
  isOfChange(change, service) && service.state === 'failed' && service.kind !== 'files';

/** What the change came to on the host, by its word alone; undefined before that. */
export const verdictOf = (change: Change, word: HostWord): 'good' | 'failed' | undefined => {
  const services = concerned(change, word);
  if (services.some((s) => isFailed(change, s))) return 'failed';
  return services.length > 0 && services.every((s) => isGood(change, s)) ? 'good' : undefined;
};

const SPOILT: ReadonlySet<string> = new Set(['unhealthy', 'exited']);

/** Good, and no longer well: what the soak is for. */
const isSpoilt = (change: Change, service: ServiceWord): boolean =>
  isProved(change, service) && service.outcome === 'blocked' && SPOILT.has(service.reason ?? '');

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
const hostEndOf = (
  state: TurnState,
  change: Change,
  word: HostWord,
  nowMs: number,
): End | null | undefined => {
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
  const verdict = verdictOf(change, word);
  if (verdict === 'failed')
    return failed(
      change,
      word,
      services.filter((s) => isFailed(change, s)),
    );
  if (verdict === 'good') return { ...GOOD, result: 'good', entries: entriesIn(services) };
  // A failure counts until the host is good: a lost ledger, or a second try, must not let one more host fail.
  return isOver ? null : undefined;
};

const isSameEnd = (a: HostEnd, b: End): boolean =>
  a.result === b.result && a.entries.join(' ') === b.entries.join(' ');

interface News {
  readonly host: string;
  /** Null forgets the end that was known. */
  readonly end: HostEnd | null;
}

const newsOf = (state: TurnState, change: Change, word: HostWord, nowMs: number): readonly News[] => {
  const { host } = word;
  const before = change.ends[host];
  const end = hostEndOf(state, change, word, nowMs);
  if (end === undefined || (end === null && !before)) return [];
  if (end && before && isSameEnd(before, end)) return [];
  return [{ host, end: end && { ...end, atMs: nowMs, forgiven: false } }];
};

const withNews = (change: Change, news: readonly News[]): Change => {
  const ends = new Map(Object.entries(change.ends));
  for (const { host, end } of news)
    if (end) ends.set(host, end);
    else ends.delete(host);
  return { ...change, ends: Object.fromEntries(ends) };
};

const noted = (state: TurnState, { serial }: Change, { host, end }: News, nowMs: number): TurnState => {
  if (end?.result !== 'failed' && end?.result !== 'stuck') return state;
  const what = `serial ${String(serial)}: ${end.entries.join(', ')}`;
  const message = end.message === null ? what : `${what}: ${end.message}`;
  return audited(state, nowMs, end.result, message, { host });
};

/** Notes for each unfinished change on which hosts it is good, failed, lost or stuck. */
export const endHosts = (state: TurnState, view: FleetView): TurnState =>
  unfinishedChanges(state).reduce((s, change) => {
    const news = view.words.flatMap((word) => newsOf(s, change, word, view.nowMs));
    if (news.length === 0) return s;
    const ended = replaceChange(s, withNews(change, news));
    return news.reduce((next, one) => noted(next, change, one, view.nowMs), ended);
  }, state);
