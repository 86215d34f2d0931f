import { isoTime } from '../time.ts';
import { waveName } from '../manifest/pace.ts';
import { writtenPace } from '../manifest/written-pace.ts';
import { verdictOf } from './end-hosts.ts';
import { otherReason } from './excuses.ts';
import { concerned, counted, isHaltedByPerson, type FleetView } from './fleet-view.ts';
import type {
  ChangeState,
  ChangeStatus,
  FailureOfHost,
  RolloutStatus,
  WaveStatus,
} from './rollout-status.ts';
import { holdersOf } from './places.ts';
import type { Change, TurnState } from './turn-state.ts';
import { openWaveOf, resultOf, soaksUntilMs, type WaveResult } from './waves.ts';

const iso = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

const NONE: WaveResult = { members: [], good: [], failed: [], excused: [], waiting: [] };

const expectedIn = (state: TurnState, view: FleetView, change: Change, number: number): number => {
  const wave = change.waves[number];
  const hosts = counted(state, view).filter((word) => concerned(change, word).length > 0);
  if (wave && 'percent' in wave) return Math.ceil((wave.percent * hosts.length) / 100);
  return resultOf(state, view, change, number).members.length;
};

const waveStatus = (state: TurnState, view: FleetView, change: Change, number: number): WaveStatus => {
  const wave = change.waves[number];
  const isOpen = number <= openWaveOf(change);
  const { members, good, failed, excused, waiting } = isOpen ? resultOf(state, view, change, number) : NONE;
  const isSwitching = (host: string): boolean =>
    Object.values(state.turns[host]?.services ?? {}).some(
      ({ entry }) => entry !== null && change.entries[entry] !== undefined,
    );
  // No review notes the ends of hosts that follow a finished change.
  const later = change.finishedAtMs === null ? [] : waiting;
  const verdicts = new Map(later.map((word) => [word.host, verdictOf(change, word)]));
  const hosts = waiting.map(({ host }) => host);
  const withVerdict = (verdict: ReturnType<typeof verdictOf>): readonly string[] =>
    hosts.filter((host) => verdicts.get(host) === verdict);
  const open = withVerdict(undefined);
  const unready = waiting.flatMap((word) => {
    const { host } = word;
    if (!open.includes(host) || state.turns[host]) return [];
    const reason = change.delays[host]?.reason ?? otherReason(state, change, word);
    return reason === null ? [] : [{ host, reason }];
  });
  return {
    name: wave ? waveName(wave) : '',
    openedAt: iso(change.opened[number]?.openedAtMs ?? null),
    hosts: isOpen ? members.length : expectedIn(state, view, change, number),
    good: good.length + withVerdict('good').length,
    failed: [...failed, ...withVerdict('failed')],
    switching: open.filter(isSwitching),
    waiting: open.filter((host) => !isSwitching(host)),
    unready,
    excused,
  };
};

const soakOf = (state: TurnState, view: FleetView, change: Change): number | null => {
  const number = openWaveOf(change);
  if (number < 0 || change.halted || change.finishedAtMs !== null) return null;
  const result = resultOf(state, view, change, number);
  const until = soaksUntilMs(change, result);
  return result.waiting.length === 0 && result.good.length > 0 && until > view.nowMs ? until : null;
};

const stateOf = (state: TurnState, view: FleetView, change: Change): ChangeState => {
  if (change.finishedAtMs !== null) return 'finished';
  if (change.halted || isHaltedByPerson(state, change)) return 'halted';
  if (soakOf(state, view, change) !== null) return 'soaking';
  const number = openWaveOf(change);
  const isMoving =
    number < 0 ? view.starting !== null : resultOf(state, view, change, number).waiting.length > 0;
  return isMoving ? 'switching' : 'waiting';
};

const failuresOf = ({ ends }: Change): readonly FailureOfHost[] =>
  Object.entries(ends).flatMap(([host, { result, atMs, message, log, forgiven }]) =>
    result === 'good' ? [] : [{ host, result, at: isoTime(atMs), message, log, forgiven }],
  );

const changeStatus = (state: TurnState, view: FleetView, change: Change): ChangeStatus => ({
  serial: change.serial,
  at: isoTime(change.madeAtMs),
  state: stateOf(state, view, change),
  urgent: change.urgent?.reason ?? null,
  entries: Object.entries(change.entries).map(([entry, { version }]) => ({ entry, version })),
  waves: change.waves.map((_wave, number) => waveStatus(state, view, change, number)),
  soaksUntil: iso(soakOf(state, view, change)),
  halted: change.halted && {
    reason: change.halted.reason,
    at: isoTime(change.halted.atMs),
    hosts: change.halted.hosts,
  },
  failures: failuresOf(change),
});

/** The document of `GET /rollouts/ENV`. The state is taken as reviewed. */
export const rolloutStatus = (state: TurnState, view: FleetView): RolloutStatus => {
  const services = [
    ...new Set([
      ...view.words.flatMap((word) => word.services.map(({ service }) => service)),
      ...Object.values(state.turns).flatMap((turn) => Object.keys(turn.services)),
    ]),
  ].toSorted();
  return {
    apiVersion: 'supercargo/rollout/v1',
    environment: state.environment,
    at: isoTime(view.nowMs),
    revision: state.revision,
    serial: state.serial,
    pace: state.pace && writtenPace(state.pace),
    starting: view.starting && { hosts: view.starting.hosts, until: isoTime(view.starting.untilMs) },
    halt: state.halt && {
      reason: state.halt.reason,
      by: state.halt.by,
      at: isoTime(state.halt.atMs),
      until: iso(state.halt.untilMs),
    },
    abandoned: Object.entries(state.abandoned).flatMap(([entry, digests]) =>
      digests.map((digest) => ({ entry, digest })),
    ),
    changes: state.changes.map((change) => changeStatus(state, view, change)),
    holders: services.flatMap((service) => holdersOf(state, view, service)),
    leftOut: Object.entries(state.leftOut).map(([host, { reason, by, atMs }]) => ({
      host,
      reason,
      by,
      at: isoTime(atMs),
    })),
    jobs: Object.values(state.jobs)
      .toSorted((a, b) => b.atMs - a.atMs)
      .map(({ service, digest, attempt, state: is, host, atMs, message, log }) => ({
        job: service,
        digest,
        attempt,
        state: is,
        host,
        at: isoTime(atMs),
        message,
        log,
      })),
    tooOld: view.words.flatMap(({ host, turns, isSilent }) => (turns === null && !isSilent ? [host] : [])),
    audit: state.audit.map(({ atMs, ...entry }) => ({ ...entry, at: isoTime(atMs) })),
  };
};
