import { AgentError, messageOf } from '../core/errors.ts';
import type { FleetPage } from '../core/fleet/fleet-page.ts';
import { NO_TOTALS, type FleetTotals } from '../core/fleet/fleet-totals.ts';
import type { HostLabels } from '../core/fleet/host-labels.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { Pace } from '../core/manifest/pace.ts';
import type { Rollouts } from '../core/ports/rollouts.ts';
import type { ReportedChange, ReportedRollout } from '../core/turns/read-rollout.ts';
import { longestTime, type RolloutTime } from '../core/turns/longest-time.ts';
import { judgeChange } from '../core/turns/rollout-verdict.ts';
import type { EnvironmentStore } from './environment-store.ts';
import { readAwaited, type WaitedHost, type WhichHosts } from './read-awaited.ts';
import { MOST_NEWS, type WaitClock } from './wait-for-fleet.ts';

export interface FollowOptions {
  readonly target: Manifest & { readonly pace: Pace };
  /** Both undefined to wait for the whole change, else only for these hosts. */
  readonly hosts: readonly string[] | undefined;
  readonly where: HostLabels | undefined;
  /** The hosts that the result has. */
  readonly which: WhichHosts;
  /** Undefined for as long as the change may take by its pace, known once it is read. */
  readonly timeoutMs: number | undefined;
  /** Called once the change is known, with the time for it if none was given. */
  readonly onBegin: (followed: readonly ReportedChange[], time: RolloutTime | undefined) => void;
  /** Called after each reading, also after one that failed once there was another. */
  readonly onPoll: (progress: FollowProgress) => void;
}

export interface FollowProgress {
  readonly rollout: ReportedRollout;
  /** The change of the serial. If it changed no version, all that are unfinished. */
  readonly followed: readonly ReportedChange[];
  readonly leftMs: number;
  /** Why the store could not be read again; undefined if it was. */
  readonly trouble: string | undefined;
}

export type FollowOutcome = 'finished' | 'converged' | 'halted' | 'failed' | 'superseded' | 'timed-out';

export interface Followed {
  readonly outcome: FollowOutcome;
  /** As it was read last; undefined if it never was. */
  readonly rollout: ReportedRollout | undefined;
  readonly followed: readonly ReportedChange[];
  /** Of the hosts that were waited for; none for the whole change. */
  readonly totals: FleetTotals;
  /** Of these hosts, in natural order. */
  readonly hosts: readonly WaitedHost[];
  /** Why the store could not be read at the end. */
  readonly trouble: string | undefined;
}

const POLL_MS = 1_000;
/** Until the store has made the change. */
const BEGIN_MS = 600_000;

interface Reading {
  readonly rollout: ReportedRollout;
  readonly totals: FleetTotals;
  /** Undefined while hosts may be missing. */
  readonly ofHosts: FollowOutcome | undefined;
  /** All hosts, if they are few. */
  readonly known: readonly WaitedHost[] | undefined;
}

const outcomeOfHosts = ({
  totals: { hosts, kinds },
  incompleteUntilMs,
}: FleetPage): FollowOutcome | undefined => {
  if (incompleteUntilMs !== undefined || hosts === 0 || kinds.converged + kinds.failed < hosts)
    return undefined;
  return kinds.failed === 0 ? 'converged' : 'failed';
};

/** Hosts that run the target are a success whatever becomes of the others. */
const outcomeOf = (
  followed: readonly ReportedChange[],
  ofHosts: FollowOutcome | undefined,
  isLimited: boolean,
): FollowOutcome | undefined => {
  if (ofHosts === 'converged') return ofHosts;
  const verdicts = followed.map(judgeChange);
  if (verdicts.includes('halted')) return 'halted';
  if (ofHosts !== undefined) return ofHosts;
  return !isLimited && verdicts.every((verdict) => verdict === 'finished') ? 'finished' : undefined;
};

/** What a serial's wait is for: its own change or, if it changed no version, those that are unfinished. */
const followedIn = (
  { serial, changes }: ReportedRollout,
  target: Manifest,
  hasOwn: boolean,
): readonly ReportedChange[] | 'superseded' | 'not-yet' => {
  const own = changes.find((change) => change.serial === target.serial);
  if (own) return [own];
  if (serial < target.serial) return 'not-yet';
  if (hasOwn || serial > target.serial) return 'superseded';
  return changes.filter((change) => judgeChange(change) !== 'finished');
};

/**
 * Waits until the change of a published manifest is finished, halted or overtaken, the awaited hosts run it,
 * or the time is over. @throws AgentError STORE if the store hands out no turns
 */
export const followRollout = async (
  {
    rollouts,
    view,
  }: { readonly rollouts: Rollouts; readonly view: Pick<EnvironmentStore, 'fleet' | 'name'> },
  o: FollowOptions,
  clock: WaitClock,
  signal: AbortSignal,
): Promise<Followed> => {
  const { target } = o;
  const isLimited = o.hosts !== undefined || o.where !== undefined;
  const beganMs = clock.now();
  let endMs = beganMs + (o.timeoutMs ?? BEGIN_MS);
  const selection = { target, hosts: o.hosts, where: o.where };
  let last: Omit<Followed, 'outcome' | 'hosts'> = {
    rollout: undefined,
    followed: [],
    totals: NO_TOTALS,
    trouble: undefined,
  };
  let known: Reading['known'];
  let [hasBegun, hasOwn] = [false, false];

  const read = async (): Promise<Reading | 'no-turns'> => {
    const [rollout, page] = await Promise.all([
      rollouts.status(target.environment, signal),
      isLimited ? view.fleet({ ...selection, limit: MOST_NEWS }, signal) : undefined,
    ]);
    if (rollout === 'no-turns') return rollout;
    if (page === undefined) return { rollout, totals: NO_TOTALS, ofHosts: undefined, known: [] };
    const all = page.hosts.map(({ host, verdict }) => ({ host, verdict }));
    const isAll = page.next === undefined;
    return { rollout, totals: page.totals, ofHosts: outcomeOfHosts(page), known: isAll ? all : undefined };
  };

  const report = (): void => {
    const { rollout, followed, trouble } = last;
    if (rollout && hasBegun) o.onPoll({ rollout, followed, trouble, leftMs: endMs - clock.now() });
  };

  const begin = (followed: readonly ReportedChange[]): void => {
    hasBegun = true;
    hasOwn = followed.some(({ serial }) => serial === target.serial);
    const times = o.timeoutMs === undefined ? followed.map((change) => longestTime(change, target.pace)) : [];
    const time = times.toSorted((a, b) => b.totalMs - a.totalMs)[0];
    if (time) endMs = clock.now() + time.totalMs;
    o.onBegin(followed, time);
  };

  /** Undefined if the wait goes on. */
  const judge = (reading: Reading | 'no-turns'): FollowOutcome | undefined => {
    if (reading === 'no-turns')
      throw new AgentError('STORE', `${view.name} hands out no turns any more`, {
        advice: 'look at the store: hosts begin nothing new until a hub hands out turns there again',
      });
    const followed = followedIn(reading.rollout, target, hasOwn);
    last = { ...last, rollout: reading.rollout, totals: reading.totals, trouble: undefined };
    ({ known } = reading);
    if (followed === 'superseded') return followed;
    if (followed === 'not-yet') return undefined;
    last = { ...last, followed };
    if (!hasBegun) begin(followed);
    report();
    return outcomeOf(followed, reading.ofHosts, isLimited);
  };

  const end = async (outcome: FollowOutcome): Promise<Followed> => {
    const { trouble } = last;
    const all = isLimited ? known : [];
    const awaited = { ...selection, which: o.which, known: all, trouble };
    return { ...last, outcome, ...(await readAwaited(view, awaited, signal)) };
  };

  for (;;) {
    const startMs = clock.now();
    let reading: Reading | 'no-turns' | undefined;
    try {
      reading = await read();
    } catch (error) {
      signal.throwIfAborted();
      // The store may be unreachable for a moment; the hosts go on.
      last = { ...last, trouble: messageOf(error) };
      report();
    }
    const outcome = reading === undefined ? undefined : judge(reading);
    if (outcome) return end(outcome);
    const leftMs = endMs - clock.now();
    if (leftMs <= 0) return end('timed-out');
    // A slow store is read less often.
    await clock.sleep(Math.min(Math.max(POLL_MS, 2 * (clock.now() - startMs)), leftMs), signal);
  }
};
