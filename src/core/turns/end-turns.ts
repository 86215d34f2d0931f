import { audited } from './audit.ts';
import { withoutServices, turnTimeMs, isHeard, without, type FleetView } from './fleet-view.ts';
import type { HostWord } from './host-word.ts';
import type { Change, HostEnd, Life, Turn, TurnedService, TurnState } from './turn-state.ts';

const MOST_LIVES = 50;

/** The life of a host's agent once `life` is heard of; the same object if nothing changes. */
const heardLife = (known: Life | undefined, life: string, seq: number): Life => {
  if (!known) return { life, seq, replaced: [] };
  if (known.life === life) return seq <= known.seq ? known : { ...known, seq };
  if (known.replaced.includes(life)) return known;
  return { life, seq, replaced: [known.life, ...known.replaced].slice(0, MOST_LIVES) };
};

/** Notes the life of a host's agent. Words of a life that was replaced count no more. */
export const hearLife = (state: TurnState, host: string, life: string, seq: number): TurnState => {
  const known = state.lives[host];
  const heard = heardLife(known, life, seq);
  return heard === known ? state : { ...state, lives: { ...state.lives, [host]: heard } };
};

const hearLives = (state: TurnState, { words }: FleetView): TurnState => {
  const news = words.flatMap(({ host, turns }): (readonly [string, Life])[] => {
    const known = state.lives[host];
    const heard = turns ? heardLife(known, turns.life, 0) : known;
    return heard === undefined || heard === known ? [] : [[host, heard]];
  });
  return news.length === 0 ? state : { ...state, lives: { ...state.lives, ...Object.fromEntries(news) } };
};

/** What became of a turn, or that the host has begun. */
type TurnProgress = 'good' | 'failed' | 'returned' | 'overtaken' | 'begun' | undefined;

/** What the word says about a service of the turn; undefined if nothing new. */
const turnProgressOf = (word: HostWord, service: string, turned: TurnedService): TurnProgress => {
  const said = word.services.find((s) => s.service === service);
  if (!said) return 'returned';
  const isAsked = word.turns?.asked.includes(service) === true;
  if (said.release === turned.release && said.attempt === turned.attempt) {
    if (said.state !== 'none') return said.state;
    return isAsked ? undefined : 'returned';
  }
  // A publish or new files overtook it. The host has given up the turn once nothing of it is left.
  return said.isUnsettled || said.state === 'begun' ? undefined : 'overtaken';
};

const saysLater = (word: HostWord, turn: Turn): boolean =>
  word.turns !== null && (word.turns.life !== turn.life || word.turns.seq > turn.seq);

/** A turn that was given back after it had begun counts until one host is good. */
const withReturn = (
  change: Change,
  host: string,
  { entry, digest, attempt }: TurnedService,
  atMs: number,
): Change => {
  const version = entry === null ? undefined : change.entries[entry];
  if (entry === null || version?.digest !== digest || version.attempt !== attempt) return change;
  const end: HostEnd = {
    result: 'returned',
    atMs,
    entries: [entry],
    countsUntilGood: true,
    forgiven: false,
    message: 'the host began the switch, and gave its turn back without a result',
    log: [],
  };
  return { ...change, ends: { ...change.ends, [host]: end } };
};

const endService = (
  state: TurnState,
  { host, service, nowMs }: { readonly host: string; readonly service: string; readonly nowMs: number },
  ended: NonNullable<TurnProgress>,
): TurnState => {
  const turn = state.turns[host];
  const turned = turn?.services[service];
  if (!turn || !turned) return state;
  if (ended === 'begun') {
    if (turned.begunAtMs !== null) return state;
    const begun = { ...turned, begunAtMs: nowMs };
    return {
      ...state,
      turns: { ...state.turns, [host]: { ...turn, services: { ...turn.services, [service]: begun } } },
    };
  }
  const turns = withoutServices(state, host, [service]);
  const isOvertaken = ended === 'overtaken';
  const said = audited({ ...state, turns }, nowMs, isOvertaken ? 'returned' : ended, service, { host });
  if (ended !== 'returned' && !isOvertaken) return { ...said, returned: without(said.returned, host) };
  const count = (said.returned[host]?.count ?? 0) + 1;
  return {
    ...said,
    // What overtakes a turn is no fault of its host: it asks again at once, and no wave goes on without it.
    returned: isOvertaken ? said.returned : { ...said.returned, [host]: { count, atMs: nowMs } },
    changes:
      turned.begunAtMs === null
        ? said.changes
        : said.changes.map((change) => withReturn(change, host, turned, nowMs)),
  };
};

const endTurn = (state: TurnState, host: string, view: FleetView): TurnState => {
  const { nowMs } = view;
  const turn = state.turns[host];
  if (!turn) return state;
  const word = view.words.find((w) => w.host === host);
  if (!word) {
    // A store may have lost its reports with its last life.
    if (view.starting) return state;
    const freed = { ...state, turns: without(state.turns, host) };
    return audited(freed, nowMs, 'free', 'its report was removed', { host });
  }
  let next = state;
  if (isHeard(state, word) && saysLater(word, turn))
    for (const [service, turned] of Object.entries(turn.services)) {
      const ended = turnProgressOf(word, service, turned);
      if (ended !== undefined) next = endService(next, { host, service, nowMs }, ended);
    }
  const left = next.turns[host];
  if (!left) return next;
  const turnMs = turnTimeMs(state);
  const isLost = word.silentMs > turnMs;
  if (isLost === (left.lostAtMs !== null) || (isLost && view.starting)) return next;
  const turns = { ...next.turns, [host]: { ...left, lostAtMs: isLost ? nowMs : null } };
  const noted = { ...next, turns };
  return isLost ? audited(noted, nowMs, 'lost', Object.keys(left.services).join(', '), { host }) : noted;
};

/** Forgets what was noted of hosts without report and turn, and of turns that were returned long ago. */
const forgetGone = (state: TurnState, { words, nowMs, starting }: FleetView): TurnState => {
  if (starting) return state;
  const known = new Set([...words.map(({ host }) => host), ...Object.keys(state.turns)]);
  const longMs = 2 * turnTimeMs(state);
  const lives = Object.entries(state.lives).filter(([host]) => known.has(host));
  const returned = Object.entries(state.returned).filter(
    ([host, { atMs }]) => known.has(host) && nowMs - atMs < longMs,
  );
  const isSame =
    lives.length === Object.keys(state.lives).length &&
    returned.length === Object.keys(state.returned).length;
  return isSame
    ? state
    : { ...state, lives: Object.fromEntries(lives), returned: Object.fromEntries(returned) };
};

/**
 * Ends turns by what their hosts say after they were granted: good, failed, or returned. Time frees
 * nothing: a host that falls silent keeps its turn, and is lost.
 */
export const endTurns = (state: TurnState, view: FleetView): TurnState => {
  const heard = hearLives(forgetGone(state, view), view);
  return Object.keys(heard.turns).reduce((s, host) => endTurn(s, host, view), heard);
};
