import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import { DEFAULT_PACE, type Pace } from '../../core/manifest/pace.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';
import type { DraftOptions, Speed } from '../../core/publish/draft.ts';
import { changeText } from '../../core/publish/overtaken-changes.ts';
import { refuseAfterAlone, refuseUrgentAlone } from '../../core/publish/pace-checks.ts';
import { paceOptions } from '../../core/publish/pace-text.ts';
import type { ReportedChange } from '../../core/turns/read-rollout.ts';
import { longestTime } from '../../core/turns/longest-time.ts';
import { awaitChanges } from '../../publish/await-changes.ts';
import { checkPace } from '../../publish/check-pace.ts';
import type { EnvironmentStore } from '../../publish/environment-store.ts';
import type { Draft, Proposal, Published, Publisher } from '../../publish/publisher.ts';
import type { WaitClock } from '../../publish/wait-for-fleet.ts';
import { durationArgument } from '../arguments.ts';
import type { Io } from '../streams.ts';
import { formatDuration } from '../terminal/units.ts';
import { refuseBesideHalt, type PublishFlags } from './options.ts';

interface Publishing {
  readonly io: Io;
  readonly flags: PublishFlags;
  readonly environment: string;
  readonly view: EnvironmentStore;
  readonly rollouts: Rollouts;
  readonly watched: { readonly rollouts: Rollouts };
  readonly publisher: Publisher;
}

const CLOCK: WaitClock = {
  now: Date.now,
  sleep: async (ms, signal) => sleep(ms, undefined, { signal }),
};

/** The pace stays as it is. @throws AgentError USAGE if `--urgent` is given where there is none */
export const keptSpeed =
  ({ urgent }: PublishFlags, environment: string) =>
  (before: Manifest | undefined): Speed => {
    const pace = before?.pace;
    if (urgent !== undefined && pace === undefined) refuseUrgentAlone(environment);
    return { pace, urgent: urgent === undefined ? undefined : { reason: urgent } };
  };

/** What goes back does not wait for waves: it is what ran before. */
export const speedBack =
  (serial: number) =>
  (before: Manifest | undefined): Speed => ({
    pace: before?.pace,
    urgent: before?.pace && { reason: `rollback to serial ${String(serial)}` },
  });

/** With another base the pace can get lost, which no version shows. */
const lossText = ({ manifest, lostPace }: Draft): readonly string[] =>
  lostPace === undefined || manifest.pace !== undefined
    ? []
    : [
        `the pace of serial ${String(lostPace.serial)} ends, because the base has none; ` +
          `to set it again: supercargo pace ${manifest.environment} ${paceOptions(lostPace.pace)}`,
      ];

/** Without `--timeout`, as long as the changes may take by the pace. */
const timeoutOf = (
  text: string | undefined,
  changes: readonly ReportedChange[],
  pace: Pace = DEFAULT_PACE,
): number =>
  text === undefined
    ? Math.max(0, ...changes.map((change) => longestTime(change, pace).totalMs))
    : durationArgument(text);

/** Publishes; with `--after` once the changes that it would overtake have ended. */
export const publishInTurn = async (
  s: Publishing,
  proposal: Omit<Proposal, 'terms' | 'check'>,
  /** Called again after a wait, because the terms have times. */
  termsOf: () => DraftOptions,
  signal: AbortSignal,
): Promise<Published> => {
  const { io, environment, flags, view, rollouts, watched } = s;
  const isAfter = flags.after === true && !proposal.isDryRun;
  const options = { view, rollouts, isForced: flags.anyway === true, now: Date.now };
  let underWay: readonly ReportedChange[] = [];
  let timeoutMs = 0;
  const check: Proposal['check'] = async (draft, stop) => {
    const { manifest } = draft;
    if (manifest.pace !== undefined) refuseBesideHalt(flags, environment);
    else if (flags.after === true) refuseAfterAlone(environment);
    const { overtaken, remarks } = await checkPace(options, draft, stop);
    underWay = isAfter ? overtaken : [];
    timeoutMs = timeoutOf(flags.timeout, overtaken, manifest.pace);
    if (underWay.length > 0) throw new AgentError('STORE', 'a change is under way');
    return [...remarks, ...lossText(draft)];
  };
  for (;;) {
    underWay = [];
    try {
      return await s.publisher.publish({ ...proposal, terms: termsOf(), check }, signal);
    } catch (error) {
      if (underWay.length === 0) throw error;
    }
    const onProgress = (text: string): void => {
      if (flags.json !== true) io.stdout.write(`${oneLine(text)}\n`);
    };
    const awaited = underWay.map(changeText).join(' and of ');
    onProgress(`waiting at most ${formatDuration(timeoutMs)} for the end of ${awaited}`);
    await awaitChanges(
      { rollouts: watched.rollouts, environment, changes: underWay, timeoutMs, onProgress },
      CLOCK,
      signal,
    );
  }
};
