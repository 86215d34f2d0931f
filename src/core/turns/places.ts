import { DEFAULT_PACE, mostParallel } from '../manifest/pace.ts';
import { isoTime, type EpochMs } from '../time.ts';
import { counted, isHeard, type FleetView } from './fleet-view.ts';
import type { HostWord, ServiceWord } from './host-word.ts';
import type { HolderState, SlotHolder } from './turn-request.ts';
import type { Turn, TurnedService, TurnState } from './turn-state.ts';

/** The turn of a host whose switch takes longer than this is stuck. */
const stuckAfterMs = ({ pace }: TurnState, { mostSeconds }: Turn): number =>
  Math.max(2 * mostSeconds, 4 * (pace ?? DEFAULT_PACE).turnSeconds) * 1000;

export const isStuck = (state: TurnState, turn: Turn, service: TurnedService, nowMs: EpochMs): boolean =>
  service.begunAtMs !== null && nowMs - service.begunAtMs > stuckAfterMs(state, turn);

/** How many hosts may be under way with a service, of those that define it. */
export const placesOf = (state: TurnState, view: FleetView, service: string): number =>
  mostParallel(
    state.pace ?? DEFAULT_PACE,
    counted(state, view).filter(({ services }) => services.some((s) => s.service === service)).length,
  );

const byTurn = (state: TurnState, turn: Turn, service: string, nowMs: EpochMs): HolderState | undefined => {
  const turned = turn.services[service];
  if (!turned) return undefined;
  if (turn.lostAtMs !== null) return 'lost';
  if (isStuck(state, turn, turned, nowMs)) return 'stuck';
  return turned.begunAtMs === null ? 'granted' : 'begun';
};

/** A host without a turn takes a slot while its clients are not served, or while it switches. */
const byWord = (word: HostWord, service: ServiceWord): HolderState | undefined => {
  if (!service.hasServed || service.kind === 'job') return undefined;
  if (word.isDrained) return 'drained';
  if (service.state === 'begun' || service.isUnsettled) return 'no-turn';
  return service.serves === false ? 'not-serving' : undefined;
};

/** Who has the places of a service: hosts with a turn, then those that do not serve. One for each host. */
export const holdersOf = (state: TurnState, view: FleetView, service: string): readonly SlotHolder[] => {
  const turns = Object.entries(state.turns).flatMap(([host, turn]): readonly SlotHolder[] => {
    const held = state.leftOut[host] ? undefined : byTurn(state, turn, service, view.nowMs);
    const sinceMs = turn.services[service]?.begunAtMs ?? turn.grantedAtMs;
    return held ? [{ host, service, state: held, since: isoTime(turn.lostAtMs ?? sinceMs) }] : [];
  });
  const holding = new Set(turns.map(({ host }) => host));
  const others = counted(state, view).flatMap((word): readonly SlotHolder[] => {
    if (holding.has(word.host) || !isHeard(state, word)) return [];
    const found = word.services.find((s) => s.service === service);
    const held = found && byWord(word, found);
    return held ? [{ host: word.host, service, state: held, since: null }] : [];
  });
  return [...turns, ...others];
};

const TURNS: ReadonlySet<HolderState> = new Set(['granted', 'begun', 'lost', 'stuck']);
export const isTurn = ({ state }: SlotHolder): boolean => TURNS.has(state);

const WORDS: Readonly<Record<HolderState, string>> = {
  granted: 'has had a turn and has not begun',
  begun: 'switches',
  lost: 'has a turn and is silent',
  stuck: 'has begun and does not end',
  'not-serving': 'is out of service',
  drained: 'is drained',
  'no-turn': 'switches without a turn',
};

export const holderText = ({ host, state, since }: SlotHolder): string =>
  `${host} ${WORDS[state]}${since === null ? '' : ` since ${since.slice(0, 19)}Z`}`;
