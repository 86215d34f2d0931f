import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { Pace } from '../../core/manifest/pace.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';
import { oneLine } from '../../core/printable-text.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { ReportedChange, ReportedRollout } from '../../core/turns/read-rollout.ts';
import type { RolloutTime } from '../../core/turns/longest-time.ts';
import { haltCause } from '../../core/turns/rollout-verdict.ts';
import type { EnvironmentStore } from '../../publish/environment-store.ts';
import { followRollout, type Followed, type FollowOutcome } from '../../publish/follow-rollout.ts';
import type { WaitClock } from '../../publish/wait-for-fleet.ts';
import { changeName, haltText, hostList, stateText } from '../render/rollout-headline.ts';
import { renderFailures } from '../render/rollout-change.ts';
import { renderJobs, stoppingJobs } from '../render/rollout-jobs.ts';
import { renderNext } from '../render/rollout-next.ts';
import { renderRollout } from '../render/rollout-text.ts';
import { withLabels } from '../render/fleet-text.ts';
import { terminalOf, type Io } from '../streams.ts';
import { count, minutesText } from '../terminal/units.ts';
import { showProgress } from './show-progress.ts';
import type { Awaited } from './wait-for-hosts.ts';

const CODES: Readonly<Record<FollowOutcome, ExitCode>> = {
  finished: EXIT.ok,
  converged: EXIT.ok,
  halted: EXIT.failed,
  failed: EXIT.failed,
  superseded: EXIT.failed,
  'timed-out': EXIT.timedOut,
};

interface Goal {
  readonly target: Manifest & { readonly pace: Pace };
  readonly awaited: Awaited;
  /** Undefined for as long as the change may take by its pace. */
  readonly timeoutMs: number | undefined;
}

/** `85 min: 3 soaks of 5 min, 4 rounds of 15 min, and 10 min to prepare` */
const timeText = ({ totalMs, soaks, soakMs, rounds, roundMs, spareMs }: RolloutTime): string => {
  const parts = [
    ...(soaks === 0 ? [] : [`${count(soaks, 'soak')} of ${minutesText(soakMs)}`]),
    ...(rounds === 0 ? [] : [`${count(rounds, 'round')} of turns of ${minutesText(roundMs)}`]),
  ];
  return `${minutesText(totalMs)}: ${[...parts, `${minutesText(spareMs)} to prepare`].join(', ')}`;
};

const isAll = ({ hosts, where }: Awaited): boolean => hosts === undefined && where === undefined;

/** Prints for what the command waits, once the store has made the change. */
const printBegin = (
  io: Io,
  { target, awaited, timeoutMs }: Goal,
  followed: readonly ReportedChange[],
  time: RolloutTime | undefined,
): void => {
  const isOwn = followed.some(({ serial }) => serial === target.serial);
  const what = isAll(awaited) ? '' : ` on ${awaited.text}`;
  const most = time ? timeText(time) : timeoutMs === undefined ? undefined : minutesText(timeoutMs);
  if (!isOwn) io.stdout.write(`serial ${String(target.serial)} gives no service another version\n`);
  if (followed.length === 0 && isAll(awaited)) return;
  const names = followed.map(changeName).join(' and ');
  io.stdout.write(
    `following ${oneLine(names === '' ? `serial ${String(target.serial)}` : names)}${what}` +
      `${most === undefined ? '' : `, for at most ${most}`}\n`,
  );
};

const lastWave = ({ waves }: ReportedChange): string => {
  const hosts = Math.max(0, ...waves.map((wave) => wave.hosts));
  const good = Math.max(0, ...waves.map((wave) => wave.good));
  return `${String(good)} of ${count(hosts, 'host')} run it`;
};

const failedOn = ({ hosts }: Followed): string =>
  hostList(hosts.filter(({ verdict }) => verdict.kind === 'failed').map(({ host }) => host));

/** The result of the wait, in one sentence. */
const endOf = (followedTo: Followed, { target: { serial, environment }, awaited }: Goal): string => {
  const { outcome, rollout, followed, totals } = followedTo;
  const n = `serial ${String(serial)}`;
  const [change] = followed;
  const status = `supercargo rollout status ${environment}`;
  const all = `all hosts${withLabels(awaited.where)} (${String(totals.hosts)} of ${String(totals.hosts)})`;
  switch (outcome) {
    case 'finished':
      return change
        ? `Done: ${changeName(change)} is finished: ${lastWave(change)}.`
        : `Done: ${n} is published, and every change is finished.`;
    case 'converged':
      return `Done: ${n} runs on ${all}. For the others see: ${status}`;
    case 'halted': {
      const halted = followed.find(({ state }) => state === 'halted');
      const cause = rollout && haltCause(rollout, halted);
      return `Halted: ${halted ? changeName(halted) : n} ${cause ? haltText(cause) : 'is halted'}`;
    }
    case 'failed':
      return `Serial ${String(serial)} failed on ${failedOn(followedTo)}.`;
    case 'superseded':
      return `Serial ${String(serial)} was superseded: a later serial has other versions. See: ${status}`;
    case 'timed-out':
      return change && rollout
        ? `Timed out: ${changeName(change)} ${stateText(change, Date.parse(rollout.at))}. See: ${status}`
        : `Timed out: ${n} is published, and the store has not begun its change.`;
  }
};

const failuresIn = (followed: readonly ReportedChange[]) =>
  followed.flatMap(({ failures }) => failures.filter(({ forgiven }) => !forgiven));

const printEnd = (io: Io, followedTo: Followed, goal: Goal): void => {
  const { outcome, rollout, followed, trouble } = followedTo;
  const screen = terminalOf(io);
  const isWell = CODES[outcome] === EXIT.ok;
  // A terminal shows them already. A wait that ends by time has to say what it waited for.
  if (!isWell && rollout && screen.columns === undefined)
    io.stderr.write(
      outcome === 'timed-out'
        ? renderRollout(rollout, screen)
        : renderFailures(failuresIn(followed), screen, Date.parse(rollout.at)) +
            renderJobs({ ...rollout, jobs: stoppingJobs(rollout) }, screen),
    );
  (isWell ? io.stdout : io.stderr).write(`${oneLine(endOf(followedTo, goal))}\n`);
  if (outcome === 'halted' && rollout) io.stderr.write(renderNext(rollout, screen));
  if (outcome === 'timed-out' && trouble !== undefined)
    io.stderr.write(`the store could not be read at the end: ${oneLine(trouble)}\n`);
};

const CLOCK: WaitClock = {
  now: Date.now,
  sleep: async (ms, until) => sleep(ms, undefined, { signal: until }),
};

interface Place {
  readonly io: Io;
  readonly view: EnvironmentStore;
  readonly rollouts: Rollouts;
  readonly flags: { readonly json?: boolean };
}

/** As in the document of a publish. */
interface WaitedRollout extends Pick<Followed, 'outcome' | 'hosts' | 'trouble'> {
  readonly rollout: ReportedRollout | null;
}

/** Follows the change of a manifest with a pace to its end. @throws AgentError STORE, the abort reason */
export const followAndPrint = async (
  { io, view, rollouts, flags }: Place,
  goal: Goal,
  signal: AbortSignal,
  clock: WaitClock = CLOCK,
): Promise<{ readonly code: ExitCode; readonly waited: WaitedRollout }> => {
  const isQuiet = flags.json === true;
  const { target, awaited, timeoutMs } = goal;
  const progress = isQuiet ? () => undefined : showProgress(io);
  const followedTo = await followRollout(
    { rollouts, view },
    {
      target,
      hosts: awaited.hosts,
      where: awaited.where,
      which: isQuiet ? 'all' : 'not-well',
      timeoutMs,
      onBegin: (followed, time) => {
        if (!isQuiet) printBegin(io, goal, followed, time);
      },
      onPoll: progress,
    },
    clock,
    signal,
  );
  if (!isQuiet) printEnd(io, followedTo, goal);
  const { outcome, rollout = null, hosts, trouble } = followedTo;
  return { code: CODES[outcome], waited: { outcome, hosts, trouble, rollout } };
};
