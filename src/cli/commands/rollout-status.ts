import { setTimeout as sleep } from 'node:timers/promises';
import { noTurns } from '../../adapters/document-store/no-rollouts.ts';
import { readPublisherConfig } from '../../config/publisher-config.ts';
import { AgentError } from '../../core/errors.ts';
import { manifestPath } from '../../core/fleet/store-layout.ts';
import type { DocumentStore } from '../../core/ports/document-store.ts';
import { listEnvironments } from '../../core/publish/environments.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { ReportedRollout } from '../../core/turns/read-rollout.ts';
import { judgeRollout, type RolloutVerdict } from '../../core/turns/rollout-verdict.ts';
import { createEnvironmentStore } from '../../publish/environment-store.ts';
import type { Call } from '../call.ts';
import { checkEnvironment, type StoreFlags } from '../publishing/options.ts';
import { openStore } from '../publishing/open-store.ts';
import { renderRollout } from '../render/rollout-text.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import { reportError } from '../terminal/report-error.ts';

interface Flags extends StoreFlags {
  readonly watch?: boolean;
}

const BY_VERDICT: Readonly<Record<RolloutVerdict, ExitCode>> = {
  finished: EXIT.ok,
  'under-way': EXIT.pending,
  halted: EXIT.failed,
};

/** A store that may answer the next time. */
const isAway = (error: unknown): boolean =>
  error instanceof AgentError && error.code === 'STORE' && error.retry === 'later';

/** A hub answers for any name; a typing error must not look as if there were nothing to do. */
const checkKnown = async (
  documents: DocumentStore,
  { environment, pace, changes }: ReportedRollout,
  signal: AbortSignal,
): Promise<void> => {
  if (pace !== null || changes.length > 0) return;
  const view = createEnvironmentStore(documents, environment, undefined);
  if (await documents.read(manifestPath(environment), signal)) return;
  const known = (await view.environments(signal)) ?? [];
  throw new AgentError('STORE', `${documents.name} has no manifest of ${environment}`, {
    advice:
      known.length === 0
        ? 'check the name of the environment, and --to'
        : `check the name; environments there: ${listEnvironments(environment, known)}`,
  });
};

const POLL_MS = 1_000;
const CLEAR = '\u001B[H\u001B[J';

/** Prints each rollout that differs from the one before, apart from the time at which it was read. */
const createPrinter = (io: Io, { json, watch }: Flags) => {
  let before = '';
  return (rollout: ReportedRollout): void => {
    const screen = terminalOf(io);
    const isRedrawn = watch === true && screen.columns !== undefined;
    const now = isRedrawn ? rollout : { ...rollout, at: '' };
    if (JSON.stringify(now) === before) return;
    before = JSON.stringify(now);
    if (json === true) writeJson(io, rollout);
    else io.stdout.write((isRedrawn ? CLEAR : '') + renderRollout(rollout, screen));
  };
};

export const run = async ({ io, signal }: Call, name: string, flags: Flags): Promise<ExitCode> => {
  const environment = checkEnvironment(name);
  const { documents, rollouts } = (await openStore(flags, readPublisherConfig(io.env))).watched;
  const print = createPrinter(io, flags);
  let trouble = '';
  for (;;) {
    let code: ExitCode;
    try {
      const rollout = await rollouts.status(environment, signal);
      if (rollout === 'no-turns') throw noTurns(documents.name);
      await checkKnown(documents, rollout, signal);
      print(rollout);
      code = BY_VERDICT[judgeRollout(rollout)];
      trouble = '';
    } catch (error) {
      signal.throwIfAborted();
      if (!isAway(error)) throw error;
      code = EXIT.offline;
      // While it is away, a watch says so once.
      if (String(error) !== trouble) reportError(io, error, flags.json === true);
      trouble = String(error);
    }
    if (flags.watch !== true) return code;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return code;
  }
};
