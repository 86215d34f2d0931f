import { setTimeout as sleep } from 'node:timers/promises';
import { readPublisherConfig } from '../../config/publisher-config.ts';
import { AgentError, messageOf } from '../../core/errors.ts';
import { selectHosts, type HostLabels } from '../../core/fleet/host-labels.ts';
import { judgeFleet } from '../../core/fleet/host-verdict.ts';
import { type HostVerdict } from '../../core/fleet/verdict-text.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';
import { listEnvironments } from '../../core/publish/environments.ts';
import { EXIT, worstOf, type ExitCode } from '../../core/status/exit-code.ts';
import { isoTime } from '../../core/time.ts';
import { createEnvironmentStore, type EnvironmentStore } from '../../publish/environment-store.ts';
import type { Call } from '../call.ts';
import { terminalOf, writeJson } from '../streams.ts';
import { checkEnvironment, parseWhere, type StoreFlags } from '../publishing/options.ts';
import { readHosts, readTrust } from '../publishing/key-files.ts';
import { openStore } from '../publishing/open-store.ts';
import { renderFleet, type Fleet } from '../render/fleet-text.ts';
import { isVerdictWord, type VerdictKind, type VerdictWord } from '../../core/vocabulary/outcomes.ts';

interface Flags extends StoreFlags {
  readonly hosts?: string;
  readonly where: readonly string[];
  readonly watch?: boolean;
}

/** Why the rollout is unknown does not keep anyone from seeing the hosts. */
const readRollout = async (
  rollouts: Rollouts,
  environment: string,
  signal: AbortSignal,
): Promise<Fleet['rollout']> => {
  try {
    return await rollouts.status(environment, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { trouble: messageOf(error) };
  }
};

/** @throws AgentError STORE if the store has neither a manifest nor a report of this environment */
const observe = async (
  view: EnvironmentStore,
  rollouts: Rollouts,
  environment: string,
  { hosts, where }: { readonly hosts: readonly string[] | undefined; readonly where: HostLabels | undefined },
  signal: AbortSignal,
): Promise<Fleet> => {
  const [current, reports, rollout] = await Promise.all([
    view.current(signal),
    view.reports(hosts, signal),
    readRollout(rollouts, environment, signal),
  ]);
  if (current === undefined && reports.length === 0) {
    const known = (await view.environments(signal)) ?? [];
    throw new AgentError('STORE', `${view.name} has no manifest and no report of ${environment}`, {
      advice:
        known.length === 0
          ? 'check the name of the environment, and --to; `supercargo publish` publishes the first manifest'
          : `check the name; environments there: ${listEnvironments(environment, known)}`,
    });
  }
  const nowMs = Date.now();
  const judged = selectHosts(judgeFleet(reports, hosts, current?.manifest, nowMs), where);
  return { environment, published: current?.manifest, reports, rollout, where, judged, nowMs };
};

const BY_WORD: Readonly<Record<VerdictWord, ExitCode>> = {
  'rolled-back': EXIT.failed,
  blocked: EXIT.failed,
  refused: EXIT.failed,
  'no-ledger': EXIT.failed,
  offline: EXIT.offline,
  silent: EXIT.offline,
  stopped: EXIT.offline,
  // As for a single host: the accepted manifest stays in force without its source.
  unreachable: EXIT.ok,
  behind: EXIT.pending,
  superseded: EXIT.pending,
  drained: EXIT.pending,
  waiting: EXIT.pending,
  progressing: EXIT.pending,
  converged: EXIT.ok,
};

const BY_KIND: Readonly<Record<VerdictKind, ExitCode>> = {
  converged: EXIT.ok,
  pending: EXIT.pending,
  superseded: EXIT.pending,
  failed: EXIT.failed,
  stopped: EXIT.offline,
  silent: EXIT.offline,
};

const codeOf = ({ kind, word }: HostVerdict): ExitCode =>
  worstOf([BY_KIND[kind], isVerdictWord(word) ? BY_WORD[word] : EXIT.pending]);

/** No report is no success. */
const exitCodeOf = ({ judged }: Fleet): ExitCode =>
  judged.length === 0 ? EXIT.pending : worstOf(judged.map(({ verdict }) => codeOf(verdict)));

const viewOf = ({ environment, published, where, judged, nowMs }: Fleet) => ({
  apiVersion: 'supercargo/fleet-view/v1',
  environment,
  at: isoTime(nowMs),
  serial: published?.serial ?? null,
  where: where ?? null,
  hosts: judged.map(({ host, verdict, report }) => ({
    host,
    verdict,
    seenAt: report ? isoTime(report.seenAtMs) : null,
    status: report?.status ?? null,
  })),
});

const POLL_MS = 1_000;
const CLEAR = '\u001B[H\u001B[J';

export const run = async ({ io, signal }: Call, name: string, flags: Flags): Promise<ExitCode> => {
  const environment = checkEnvironment(name);
  const config = readPublisherConfig(io.env);
  const hosts = flags.hosts === undefined ? undefined : await readHosts(flags.hosts);
  const where = parseWhere('--where', flags.where);
  const trust = flags.trust === undefined ? undefined : await readTrust(flags.trust);
  const { documents: store, rollouts } = await openStore(flags, config);
  const view = createEnvironmentStore(store, environment, trust);
  let before = '';
  for (;;) {
    const fleet = await observe(view, rollouts, environment, { hosts, where }, signal);
    const code = exitCodeOf(fleet);
    const screen = terminalOf(io);
    const text = renderFleet(fleet, screen);
    if (flags.json === true) writeJson(io, viewOf(fleet));
    else if (text !== before)
      io.stdout.write(flags.watch === true && screen.columns !== undefined ? CLEAR + text : text);
    before = text;
    if (flags.watch !== true) return code;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return code;
  }
};
