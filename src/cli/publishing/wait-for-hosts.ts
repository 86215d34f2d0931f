import { AgentError } from '../../core/errors.ts';
import { kindsText, type FleetTotals } from '../../core/fleet/fleet-totals.ts';
import { formatLabels, type HostLabels } from '../../core/fleet/host-labels.ts';
import { isWell, verdictText } from '../../core/fleet/verdict-text.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { EpochMs } from '../../core/time.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { EnvironmentStore } from '../../publish/environment-store.ts';
import {
  waitForFleet,
  type WaitClock,
  type Waited,
  type WaitOptions,
  type WaitOutcome,
} from '../../publish/wait-for-fleet.ts';
import { readHosts } from '../../publish/fleet-reader.ts';
import type { WaitedHost } from '../../publish/read-awaited.ts';
import { terminalOf, type Io } from '../streams.ts';
import { minutesText } from '../terminal/units.ts';
import {
  hearsAnew,
  noMatchAdvice,
  noReportAdvice,
  renderFault,
  renderWait,
  withLabels,
} from '../render/fleet-text.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VerdictKind } from '../../core/vocabulary/outcomes.ts';

const CODES: Readonly<Record<WaitOutcome, ExitCode>> = {
  converged: EXIT.ok,
  failed: EXIT.failed,
  superseded: EXIT.failed,
  'timed-out': EXIT.timedOut,
};

/** The hosts to wait for. */
export interface Awaited {
  /** Undefined for all that report. */
  readonly hosts: readonly string[] | undefined;
  readonly where: HostLabels | undefined;
  /** For people. */
  readonly text: string;
}

interface WaitFor {
  readonly target: Manifest;
  readonly awaited: Awaited;
  readonly timeoutMs: number;
  readonly maxFailed: number;
}

interface Place {
  readonly io: Io;
  readonly view: Pick<EnvironmentStore, 'fleet'>;
  readonly flags: { readonly json?: boolean };
}

const of = (hosts: readonly WaitedHost[], kind: VerdictKind): readonly WaitedHost[] =>
  hosts.filter((h) => h.verdict.kind === kind);

const tally = (totals: FleetTotals, where?: HostLabels): string => {
  const counts = kindsText(totals);
  if (counts !== '') return counts;
  return where === undefined ? 'no host has reported yet' : `no host${withLabels(where)}`;
};

const missing = (untilMs: EpochMs | undefined): string =>
  untilMs === undefined ? '' : `; ${hearsAnew(untilMs)}`;

type Show = WaitOptions['onPoll'];

/** A line for each host with news, or one line for all where they are many. */
const writeLog = (io: Io, serial: number, where: HostLabels | undefined): Show => {
  let last: string | undefined;
  return ({ totals, incompleteUntilMs, changed }) => {
    const text = `${tally(totals, where)}${missing(incompleteUntilMs)}`;
    if ((totals.hosts === 0 || changed === undefined) && text !== last) io.stdout.write(`${text}\n`);
    last = text;
    for (const { host, verdict } of changed ?? []) {
      const details = verdict.kind === 'converged' ? ` on ${String(serial)}` : `: ${verdictText(verdict)}`;
      io.stdout.write(`${host}: ${verdict.kind}${details} (${text})\n`);
    }
  };
};

/** A terminal shows no more hosts than these, the worst ones. */
const MOST_ROWS = 100;

/** One table that is redrawn. */
const drawTable = ({ io, view }: Place, { target, awaited: { hosts, where } }: WaitFor): Show => {
  const screen = terminalOf(io);
  let lines = 0;
  return async ({ totals, incompleteUntilMs, changed, all }, signal) => {
    if (changed?.length === 0 && lines > 0) return;
    const request = { target, hosts, where, limit: MOST_ROWS, order: 'severity' } as const;
    const found = all ?? (await view.fleet(request, signal)).hosts;
    const rows = found.slice(0, MOST_ROWS);
    const more = totals.hosts - rows.length;
    const rest = more > 0 ? `and ${String(more)} more\n` : '';
    const text = `${renderWait(rows, screen)}${rest}${tally(totals, where)}${missing(incompleteUntilMs)}\n`;
    io.stdout.write(`${lines > 0 ? `\u001B[${String(lines)}A\u001B[J` : ''}${text}`);
    lines = text.split('\n').length - 1;
  };
};

/** The result of the wait, in one sentence. */
const endOf = (
  { outcome, totals }: Waited,
  { target: { serial, environment }, awaited: { where }, maxFailed }: WaitFor,
): string => {
  const { hosts: all, kinds } = totals;
  const labels = withLabels(where);
  const [running, failed] = [kinds.converged, kinds.failed];
  const n = `serial ${String(serial)}`;
  const hostsText = (count: number): string => `${String(count)} of ${String(all)} hosts${labels}`;
  switch (outcome) {
    case 'converged':
      return failed === 0
        ? `Done: ${n} runs on all hosts${labels} (${String(running)} of ${String(all)}).`
        : `Done: ${n} runs on ${hostsText(running)}; ` +
            `${String(failed)} failed, and --max-failed ${String(maxFailed)} allows that.`;
    case 'failed':
      return `Serial ${String(serial)} failed on ${hostsText(failed)}.`;
    case 'superseded':
      return `Serial ${String(serial)} was superseded: a later serial has other versions (${tally(totals)}).`;
    case 'timed-out':
      return all === 0
        ? `Timed out: ${n} is published, and no host${labels} has reported for ${environment}.`
        : `Timed out: ${n} does not run on all hosts${labels} yet: ${tally(totals)}`;
  }
};

const printEnd = (io: Io, waited: Waited, goal: WaitFor): void => {
  const { outcome, totals, incompleteUntilMs, hosts, trouble } = waited;
  const screen = terminalOf(io);
  for (const { host, verdict } of hosts)
    if (verdict.kind === 'failed')
      for (const fault of verdict.faults) io.stderr.write(renderFault(host, fault, screen));
  (outcome === 'converged' ? io.stdout : io.stderr).write(`${endOf(waited, goal)}\n`);
  // Converged hosts may have other problems.
  for (const { host, verdict } of of(hosts, 'converged'))
    if (!isWell(verdict)) io.stderr.write(`${host}: ${verdictText(verdict)}\n`);
  if (outcome !== 'timed-out') return;
  if (incompleteUntilMs !== undefined)
    io.stderr.write(
      `${hearsAnew(incompleteUntilMs)}: wait for that, then see supercargo fleet ${goal.target.environment}\n`,
    );
  if (trouble !== undefined) io.stderr.write(`the store could not be read at the end: ${oneLine(trouble)}\n`);
  if (totals.hosts === 0 && goal.awaited.where === undefined)
    io.stderr.write(`${noReportAdvice(goal.target.environment)}; or name the hosts with --hosts\n`);
  const open = hosts.filter((h) => !['converged', 'failed'].includes(h.verdict.kind));
  for (const { host, verdict } of open) io.stderr.write(`${host}: ${verdictText(verdict)}\n`);
  const more = totals.hosts - totals.kinds.converged - totals.kinds.failed - open.length;
  if (more > 0)
    io.stderr.write(`and ${String(more)} more: supercargo fleet ${goal.target.environment} shows them\n`);
};

const SHOWN = 5;

const listOf = (names: readonly string[]): string => {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
};

/** Named hosts without a report. */
const readUnheard = async (
  { fleet }: Pick<EnvironmentStore, 'fleet'>,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const request = { target: undefined, hosts, kinds: ['silent'], limit: hosts.length } as const;
  const silent = await readHosts(fleet, request, signal);
  return silent.flatMap(({ host, verdict }) => (verdict.sinceMs === undefined ? [host] : []));
};

/**
 * Finds the hosts to wait for before anything is published. Hosts can get and lose labels during the wait.
 * @throws AgentError USAGE if no host has the labels
 */
export const findAwaited = async (
  view: Pick<EnvironmentStore, 'fleet'>,
  { environment, hosts, where }: Omit<Awaited, 'text'> & { readonly environment: string },
  signal: AbortSignal,
): Promise<Awaited> => {
  if (where === undefined)
    return {
      hosts,
      where,
      text: hosts ? `${String(hosts.length)} hosts of the list` : 'all hosts that report',
    };
  const { totals: all } = await view.fleet({ target: undefined, hosts }, signal);
  const { totals: selected } = await view.fleet({ target: undefined, hosts, where }, signal);
  const labels = formatLabels(where);
  if (selected.hosts === 0) {
    const whose = hosts ? 'of the list' : `that reports for ${environment}`;
    throw new AgentError('USAGE', `no host ${whose} has ${labels}: a wait would be for none`, {
      advice: noMatchAdvice(all),
    });
  }
  const isHeard = hosts === undefined || all.reported === all.hosts;
  const unheard = isHeard ? [] : await readUnheard(view, hosts, signal);
  const count = `${String(selected.reported)} of ${String(all.hosts)}`;
  const text =
    `the ${count} hosts ${hosts ? 'of the list ' : ''}that report ${labels}` +
    (unheard.length === 0 ? '' : `, and for ${listOf(unheard)}, whose labels are unknown`);
  return { hosts, where, text };
};

const CLOCK: WaitClock = {
  now: Date.now,
  sleep: async (ms, until) => sleep(ms, undefined, { signal: until }),
};

/** @throws the abort reason of `signal` */
export const waitAndPrint = async (
  place: Place,
  goal: WaitFor,
  signal: AbortSignal,
  clock: WaitClock = CLOCK,
): Promise<{ readonly code: ExitCode; readonly waited: Pick<Waited, 'outcome' | 'hosts' | 'trouble'> }> => {
  const { io, view, flags } = place;
  const { target, awaited, timeoutMs, maxFailed } = goal;
  const { hosts, where, text } = awaited;
  const isQuiet = flags.json === true;
  const isTerminal = terminalOf(io).columns !== undefined;
  const show = isTerminal ? drawTable(place, goal) : writeLog(io, target.serial, where);
  if (!isQuiet) io.stdout.write(`waiting for ${text}, for at most ${minutesText(timeoutMs)}\n`);
  const onPoll = isQuiet ? () => undefined : show;
  const which = isQuiet ? 'all' : 'not-well';
  const options = { target, hosts, where, timeoutMs, maxFailed, which, onPoll } as const;
  const waited = await waitForFleet(view, options, clock, signal);
  if (!isQuiet) printEnd(io, waited, goal);
  const { outcome, hosts: found, trouble } = waited;
  return { code: CODES[outcome], waited: { outcome, hosts: found, trouble } };
};
