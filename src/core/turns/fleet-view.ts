import { DEFAULT_PACE } from '../manifest/pace.ts';
import type { EpochMs } from '../time.ts';
import { uniformOf } from '../hash-fraction.ts';
import type { HostWord, ServiceWord } from './host-word.ts';
import type { Change, EntryVersion, TurnState } from './turn-state.ts';

/** What the rules know of the fleet at one moment. */
export interface FleetView {
  readonly nowMs: EpochMs;
  /** One for each host that has a report. */
  readonly words: readonly HostWord[];
  /**
   * The store has started, and first waits for the reports of these hosts; of none if it does not know whom
   * to wait for.
   */
  readonly starting: { readonly hosts: readonly string[]; readonly untilMs: EpochMs } | null;
}

/** The services of a host that take their version from an entry of the change. */
export const concerned = (change: Pick<Change, 'entries'>, word: HostWord): readonly ServiceWord[] =>
  word.services.filter(({ entry }) => entry !== null && change.entries[entry] !== undefined);

export const sameVersion = (
  a: Pick<EntryVersion, 'digest' | 'attempt'> | undefined,
  b: Pick<EntryVersion, 'digest' | 'attempt'>,
): boolean => a?.digest === b.digest && a.attempt === b.attempt;

/** Whether the service's desired release is the version of the change. */
export const isOfChange = (change: Pick<Change, 'entries'>, service: ServiceWord): boolean =>
  service.entry !== null && sameVersion(change.entries[service.entry], service);

/**
 * Whether nothing is left to do for a release that is good. One that a publish goes back to was good before
 * the newer one has left, and before it serves again.
 */
export const isSettled = ({ isUnsettled, serves }: ServiceWord): boolean => !isUnsettled && serves !== false;

/** Hosts that shares are counted of: not silent, not left out. */
export const counted = (state: TurnState, { words }: FleetView): readonly HostWord[] =>
  words.filter((w) => !w.isSilent && state.leftOut[w.host] === undefined);

const MOST_POSITIONS = 100_000;
/** A hash for each host of a large fleet takes longer than all the rest of a review. */
const positions = new Map<string, number>();

/** The host's place in the order of a change, in [0, 1): a hash of `ENV/CHANGE/HOST`. */
export const positionOf = ({ environment }: TurnState, { serial }: Change, host: string): number => {
  const text = `${environment}/${String(serial)}/${host}`;
  const known = positions.get(text) ?? uniformOf(text);
  if (positions.size >= MOST_POSITIONS) positions.clear();
  positions.set(text, known);
  return known;
};

/** Whether the change is good on any host. */
export const hasGood = ({ ends }: Change): boolean =>
  Object.values(ends).some(({ result }) => result === 'good');

export const isUnfinished = ({ finishedAtMs }: Change): boolean => finishedAtMs === null;

export const unfinishedChanges = ({ changes }: TurnState): readonly Change[] => changes.filter(isUnfinished);

/** The unfinished change that gave an entry its present value. */
export const changeOf = (state: TurnState, entry: string | null): Change | undefined =>
  entry === null ? undefined : unfinishedChanges(state).find((c) => c.entries[entry] !== undefined);

/** Whether a person's halt stops this change; undefined stands for switches that belong to none. */
export const isHaltedByPerson = ({ halt }: TurnState, change: Change | undefined): boolean =>
  halt !== null && !(change?.urgent !== undefined && change.urgent !== null && change.serial > halt.serial);

/** Whether the words of this host count: not those of an agent's life that another one has replaced. */
export const isHeard = ({ lives }: TurnState, { host, turns }: HostWord): boolean =>
  turns !== null && lives[host]?.replaced.includes(turns.life) !== true;

export const replaceChange = (state: TurnState, change: Change): TurnState => ({
  ...state,
  changes: state.changes.map((c) => (c.serial === change.serial ? change : c)),
});

/** `web-1, web-2 and 3 more` */
export const hostsText = (hosts: readonly string[], shown = 3): string => {
  const more = hosts.length - shown;
  return more > 0
    ? `${hosts.slice(0, shown).join(', ')} and ${String(more)} more`
    : hosts.join(hosts.length === 2 ? ' and ' : ', ');
};

/** The silence after which a host with a turn is lost, and the unit of longer waits. */
export const turnTimeMs = ({ pace }: TurnState): number => (pace ?? DEFAULT_PACE).turnSeconds * 1000;

export const without = <T>(record: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> => {
  const { [key]: _gone, ...rest } = record;
  return rest;
};

/** The host's turn without these services; without any left it has no turn. */
export const withoutServices = (
  { turns }: TurnState,
  host: string,
  names: readonly string[],
): TurnState['turns'] => {
  const turn = turns[host];
  if (!turn) return turns;
  const services = names.reduce(without, turn.services);
  return Object.keys(services).length > 0
    ? { ...turns, [host]: { ...turn, services } }
    : without(turns, host);
};
