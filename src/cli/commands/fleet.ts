import { setTimeout as sleep } from 'node:timers/promises';
import { readPublisherConfig } from '../../config/publisher-config.ts';
import { AgentError, messageOf } from '../../core/errors.ts';
import type { FleetPage, PageHost } from '../../core/fleet/fleet-page.ts';
import { isWell } from '../../core/fleet/verdict-text.ts';
import { compareNaturally } from '../../core/natural-order.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';
import { listEnvironments } from '../../core/publish/environments.ts';
import { EXIT, worstOf, type ExitCode } from '../../core/status/exit-code.ts';
import { isoTime } from '../../core/time.ts';
import { createEnvironmentStore, type EnvironmentStore } from '../../publish/environment-store.ts';
import { eachPage, type FleetSelection } from '../../publish/fleet-reader.ts';
import type { Call } from '../call.ts';
import { terminalOf, writeJson } from '../streams.ts';
import { checkEnvironment, parseWhere, type StoreFlags } from '../publishing/options.ts';
import { readHosts, readTrust } from '../publishing/key-files.ts';
import { openStore } from '../publishing/open-store.ts';
import { renderFleet, type Fleet } from '../render/fleet-text.ts';
import {
  isVerdictWord,
  VERDICT_KINDS,
  type VerdictKind,
  type VerdictWord,
} from '../../core/vocabulary/outcomes.ts';

interface Flags extends StoreFlags {
  readonly hosts?: string;
  readonly where: readonly string[];
  readonly watch?: boolean;
  readonly all?: boolean;
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

interface Shown extends Pick<FleetSelection, 'hosts' | 'where'> {
  /** Every host, however many. */
  readonly isAll: boolean;
}

/** More hosts do not fit on a screen: the worst ones are shown then. */
const MOST_SHOWN = 200;

const readShown = async (
  { fleet }: EnvironmentStore,
  selection: FleetSelection,
  isAll: boolean,
  signal: AbortSignal,
): Promise<{ readonly first: FleetPage; readonly judged: readonly PageHost[] }> => {
  const request = { ...selection, status: 'whole' } as const;
  const order = isAll ? 'name' : 'severity';
  const pages = eachPage(fleet, { ...request, order, ...(!isAll && { limit: MOST_SHOWN }) }, signal);
  let first: FleetPage | undefined;
  const judged: PageHost[] = [];
  for await (const page of pages) {
    first ??= page;
    judged.push(...page.hosts);
    const isEnough = first.totals.hosts > MOST_SHOWN && judged.some(({ verdict }) => isWell(verdict));
    if (!isAll && (judged.length >= MOST_SHOWN || isEnough)) break;
  }
  if (first === undefined) throw new Error('a fleet without a page');
  const isSmall = isAll || first.totals.hosts <= MOST_SHOWN;
  return {
    first,
    judged: isSmall
      ? judged.toSorted((a, b) => compareNaturally(a.host, b.host))
      : judged.slice(0, MOST_SHOWN).filter(({ verdict }) => !isWell(verdict)),
  };
};

/** @throws AgentError STORE if the store has neither a manifest nor a report of this environment */
const observe = async (
  view: EnvironmentStore,
  rollouts: Rollouts,
  environment: string,
  { isAll, hosts, where }: Shown,
  signal: AbortSignal,
): Promise<Fleet> => {
  const current = await view.current(signal);
  const published = current?.manifest;
  const [{ first, judged }, rollout] = await Promise.all([
    readShown(view, { target: published, hosts, where }, isAll, signal),
    readRollout(rollouts, environment, signal),
  ]);
  const { totals, incompleteUntilMs } = first;
  const isEmpty = totals.hosts === 0 && where !== undefined;
  const others = isEmpty ? (await view.fleet({ target: published, hosts }, signal)).totals : totals;
  if (current === undefined && others.reported === 0) {
    const known = (await view.environments(signal)) ?? [];
    throw new AgentError('STORE', `${view.name} has no manifest and no report of ${environment}`, {
      advice:
        known.length === 0
          ? 'check the name of the environment, and --to; `supercargo publish` publishes the first manifest'
          : `check the name; environments there: ${listEnvironments(environment, known)}`,
    });
  }
  const nowMs = Date.now();
  return { environment, published, totals, incompleteUntilMs, others, rollout, where, judged, nowMs };
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

/** No report is no success, and hosts that are not heard yet are none. */
const exitCodeOf = ({ totals: { hosts, kinds, words }, incompleteUntilMs }: Fleet): ExitCode =>
  hosts === 0
    ? EXIT.pending
    : worstOf([
        ...(incompleteUntilMs === undefined ? [] : [EXIT.pending]),
        ...VERDICT_KINDS.flatMap((kind) => (kinds[kind] === 0 ? [] : [BY_KIND[kind]])),
        ...words.map(({ word }) => (isVerdictWord(word) ? BY_WORD[word] : EXIT.pending)),
      ]);

const viewOf = ({ environment, published, incompleteUntilMs, where, judged, nowMs }: Fleet) => ({
  apiVersion: 'supercargo/fleet-view/v1',
  environment,
  at: isoTime(nowMs),
  serial: published?.serial ?? null,
  where: where ?? null,
  incompleteUntil: incompleteUntilMs === undefined ? null : isoTime(incompleteUntilMs),
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
  const isAll = flags.all === true || flags.json === true;
  let before = '';
  for (;;) {
    const fleet = await observe(view, rollouts, environment, { isAll, hosts, where }, signal);
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
