import { BACKOFF, nextDelayMs } from '../core/backoff.ts';
import type { ComposeProject } from '../core/compose/project-model.ts';
import { toAgentError, type AgentError } from '../core/errors.ts';
import { accept, reverify, watermarkOf } from '../core/manifest/accept.ts';
import type { Manifest, Rejection, Trust, Watermark } from '../core/manifest/manifest.ts';
import type { FileProblem, ReadProject, ReadTrust } from '../core/ports/host-files.ts';
import type { Fetched, Held } from '../core/ports/manifest-source.ts';
import type { Ledger } from '../core/state/ledger.ts';
import type { EpochMs } from '../core/time.ts';
import type { Recorder } from './recorder.ts';
import type { LedgerRecord } from './ledger-record.ts';
import type { AgentOptions, AgentPorts } from './agent-ports.ts';

/** What was read from the host's files and the manifest source, and the problems with it. */
export interface Intake {
  readonly project: ComposeProject | undefined;
  readonly composeProblems: readonly FileProblem[];
  readonly trust: Trust | undefined;
  readonly trustProblem: FileProblem | undefined;
  /** The manifest in force. */
  readonly manifest: Manifest | undefined;
  readonly distrust: FileProblem | undefined;
  readonly rejection: (Rejection & { readonly sinceMs: EpochMs }) | undefined;
  readonly source: {
    readonly checkedAtMs: EpochMs | undefined;
    readonly failure: AgentError | undefined;
    /** Time of the next request at the earliest. */
    readonly notBeforeMs: EpochMs;
  };
  /** Why the ledger could not store an accepted manifest. */
  readonly ledgerFailure: AgentError | undefined;
}

/** Reads compose files, trust and manifest. With `dryRun` no accepted manifest goes to the ledger. */
export const createIntake = (
  ports: AgentPorts,
  options: AgentOptions,
  record: LedgerRecord,
  recorder: Recorder,
  dryRun: boolean,
) => {
  let state: Intake = {
    project: undefined,
    composeProblems: [],
    trust: undefined,
    trustProblem: undefined,
    manifest: undefined,
    distrust: undefined,
    rejection: undefined,
    source: { checkedAtMs: undefined, failure: undefined, notBeforeMs: 0 },
    ledgerFailure: undefined,
  };
  let offered: Uint8Array | undefined;
  /** The hub that handed it out, if there are several. */
  let offeredBy: string | undefined;
  let failures = 0;
  let judging: Promise<void> = Promise.resolve();
  /** Input of the last judgement that found nothing new; the same input is not judged again. */
  let settled:
    | {
        readonly offered: Uint8Array;
        readonly accepted: Ledger['accepted'];
        readonly trust: Trust | undefined;
      }
    | undefined;
  let checked: { readonly accepted: Ledger['accepted']; readonly trusted: string } | undefined;
  const set = (change: Partial<Intake>): void => {
    state = { ...state, ...change };
  };

  const readProject = async (signal: AbortSignal): Promise<void> => {
    const read = await ports.files
      .project(signal)
      .catch((error: unknown): ReadProject => ({ kind: 'problems', problems: [stumbled(error, signal)] }));
    if (read.kind === 'ok') {
      const isNew =
        read.project !== state.project && JSON.stringify(read.project) !== JSON.stringify(state.project);
      set({ project: read.project, composeProblems: [] });
      if (isNew) ports.log.write('info', 'compose.read', { services: Object.keys(read.project.services) });
      return;
    }
    const isNew = JSON.stringify(read.problems) !== JSON.stringify(state.composeProblems);
    set({ composeProblems: read.problems });
    if (isNew) ports.log.write('error', 'compose.refused', { problems: read.problems.map((p) => p.message) });
  };

  const readTrust = async (signal: AbortSignal): Promise<void> => {
    const read = await ports.files
      .trust(signal)
      .catch((error: unknown): ReadTrust => ({ kind: 'problem', problem: stumbled(error, signal) }));
    switch (read.kind) {
      case 'problem':
        if (read.problem.message !== state.trustProblem?.message)
          ports.log.write('error', 'trust.refused', { ...read.problem });
        set({ trustProblem: read.problem });
        checkKept();
        return;
      case 'unsigned':
      case 'trust':
        set({ trustProblem: undefined, trust: read.kind === 'trust' ? read.trust : undefined });
        checkKept();
        return;
    }
  };

  /** Verifies the accepted manifest again if it or the trust changed, not at every poll. */
  const checkKept = (): void => {
    const { accepted } = record.current();
    const trusted = JSON.stringify([state.trust, state.trustProblem]);
    if (checked && checked.accepted === accepted && checked.trusted === trusted) return;
    checked = { accepted, trusted };
    if (state.trustProblem) {
      // While the trust is unknown, no manifest is accepted and no new release starts.
      set({ manifest: state.manifest ?? accepted?.manifest, distrust: state.trustProblem });
      return;
    }
    if (!accepted) {
      set({ distrust: undefined });
      return;
    }
    const verdict = reverify(accepted, state.trust, options.environment);
    if (verdict.kind === 'valid') {
      set({ manifest: verdict.manifest, distrust: undefined });
      return;
    }
    const { message, advice } = verdict.rejection;
    if (message !== state.distrust?.message) ports.log.write('error', 'manifest.distrusted', { message });
    set({ manifest: accepted.manifest, distrust: { message, advice } });
  };

  const fetch = async (signal: AbortSignal): Promise<void> => {
    const fetched = await ports.source.fetch(signal).catch((error: unknown): Fetched => {
      signal.throwIfAborted();
      return { kind: 'failed', error: toAgentError(error) };
    });
    if (fetched.kind !== 'failed') return take(fetched);
    const nowMs = ports.now();
    failures += 1;
    const delayMs = nextDelayMs({
      failures,
      random: ports.random(),
      floorMs: fetched.retryAfterMs,
      ...BACKOFF.manifestSource,
    });
    if (!state.source.failure)
      ports.log.write('warn', 'manifest.unreachable', { message: fetched.error.message });
    set({ source: { checkedAtMs: nowMs, failure: fetched.error, notBeforeMs: nowMs + delayMs } });
  };

  const take = (fetched: Exclude<Fetched, { kind: 'failed' }>): void => {
    if (state.source.failure) ports.log.write('info', 'manifest.reached');
    failures = 0;
    set({ source: { checkedAtMs: ports.now(), failure: undefined, notBeforeMs: 0 } });
    if (fetched.kind === 'document') [offered, offeredBy] = [fetched.bytes, fetched.from];
  };

  /** A failed long poll is no failure of the source; the next poll decides. */
  const hold = async (signal: AbortSignal): Promise<Held | undefined> => {
    const held = await ports.source.hold?.(signal);
    if (held?.kind === 'document' || held?.kind === 'unchanged') {
      take(held);
      await judge();
    }
    return held;
  };

  /** Judges the last offered manifest; cheap enough whenever trust or time may have changed the result. */
  const judge = (): Promise<void> => {
    // Serialized, because a poll and a long poll may end at the same time.
    judging = judging.then(judgeNow, judgeNow);
    return judging;
  };

  const judgeNow = async (): Promise<void> => {
    if (offered === undefined || state.trustProblem !== undefined || record.trouble() !== undefined) return;
    // Before the first observation a missing ledger may be new or lost.
    if (!dryRun && record.isUndecided()) return;
    const { accepted } = record.current();
    if (settled?.offered === offered && settled.accepted === accepted && settled.trust === state.trust)
      return;
    const nowMs = ports.now();
    const { environment } = options;
    const watermark = watermarkIn(record.current());
    const verdict = accept({ document: offered, environment, trust: state.trust, watermark, nowMs });
    switch (verdict.kind) {
      case 'unchanged':
        set({ rejection: undefined });
        await keepSignatures(verdict.documentBase64);
        settled = { offered, accepted, trust: state.trust };
        return;
      case 'rejected':
        noteRejection(withHub(verdict.rejection, offeredBy), nowMs);
        return;
      case 'accepted':
        if (!dryRun && !(await keep((l) => ({ ...l, accepted: verdict.accepted, floor: undefined })))) return;
        set({ manifest: verdict.accepted.manifest, distrust: undefined, rejection: undefined });
        recorder.write('info', 'manifest.accepted', {
          serial: verdict.accepted.manifest.serial,
          services: versionsOf(verdict.accepted.manifest),
        });
    }
  };

  /** Stores new signatures of the same payload: the manifest stays valid when the old key is removed. */
  const keepSignatures = async (documentBase64: string): Promise<void> => {
    const { accepted } = record.current();
    if (dryRun || !accepted || accepted.documentBase64 === documentBase64) return;
    await keep((l) => (l.accepted ? { ...l, accepted: { ...l.accepted, documentBase64 } } : l));
  };

  const keep = async (change: (ledger: Ledger) => Ledger): Promise<boolean> => {
    try {
      await record.update(change);
      set({ ledgerFailure: undefined });
      return true;
    } catch (error) {
      const failure = error as AgentError;
      if (!state.ledgerFailure) ports.log.write('error', 'ledger.failed', { message: failure.message });
      set({ ledgerFailure: failure });
      return false;
    }
  };

  const noteRejection = (rejection: Rejection, nowMs: EpochMs): void => {
    const isNew = rejection.message !== state.rejection?.message;
    set({ rejection: { ...rejection, sinceMs: isNew ? nowMs : (state.rejection?.sinceMs ?? nowMs) } });
    if (isNew)
      recorder.write('error', 'manifest.rejected', { reason: rejection.reason, message: rejection.message });
  };

  return {
    state: (): Intake => state,
    readFiles: async (signal: AbortSignal): Promise<void> => {
      await readProject(signal);
      await readTrust(signal);
    },
    fetch: async (signal: AbortSignal): Promise<void> => {
      await fetch(signal);
      await judge();
    },
    hold,
    /** For a clock that was set back: the end of the back-off is wrong. */
    forgetBackoff: (): void => set({ source: { ...state.source, notBeforeMs: 0 } }),
    judge,
    checkKept,
  };
};

/** Reports an unexpected error as a problem: operators must notice that files are no longer read. */
const stumbled = (error: unknown, signal: AbortSignal): FileProblem => {
  signal.throwIfAborted();
  const { message, advice } = toAgentError(error);
  return { message, advice: advice ?? '' };
};

/** An older manifest from one hub of several shows that this hub is behind, not what was published. */
const withHub = (rejection: Rejection, hub: string | undefined): Rejection =>
  rejection.reason === 'older' && hub !== undefined
    ? {
        ...rejection,
        message: `${rejection.message}; it comes from ${hub}`,
        advice: `look at that hub: it is behind, unless the others have no newer one either; ${rejection.advice}`,
      }
    : rejection;

export type IntakeReader = ReturnType<typeof createIntake>;

const versionsOf = (manifest: Manifest): Readonly<{ [service: string]: string }> =>
  Object.fromEntries(
    Object.entries(manifest.services).map(([name, s]) => [name, s.image.tag ?? s.image.digest ?? '']),
  );

/** After `recover` there is only a floor: any manifest from that serial on is new. */
const watermarkIn = (ledger: Ledger): Watermark | undefined => {
  if (ledger.accepted) return watermarkOf(ledger.accepted);
  if (!ledger.floor) return undefined;
  return {
    epoch: ledger.floor.epoch,
    serial: ledger.floor.serial,
    payloadSha256: undefined,
  };
};
