import { AgentError } from '../../core/errors.ts';
import { formatLabels, selectHosts, type HostLabels } from '../../core/fleet/host-labels.ts';
import { isWell, verdictText } from '../../core/fleet/verdict-text.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { EnvironmentStore } from '../../publish/environment-store.ts';
import {
  waitForFleet,
  type WaitedHost,
  type Waited,
  type WaitOutcome,
} from '../../publish/wait-for-fleet.ts';
import { terminalOf, type Io } from '../streams.ts';
import { minutesText } from '../terminal/units.ts';
import { noMatchAdvice, noReportAdvice, renderFault, renderWait, withLabels } from '../render/fleet-text.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { VERDICT_KINDS, type VerdictKind } from '../../core/vocabulary/outcomes.ts';

const CODES: Readonly<Record<WaitOutcome, ExitCode>> = {
  converged: EXIT.ok,
  failed: EXIT.failed,
  superseded: EXIT.failed,
  'timed-out': EXIT.timedOut,
};

const of = (hosts: readonly WaitedHost[], kind: VerdictKind): readonly WaitedHost[] =>
  hosts.filter((h) => h.verdict.kind === kind);

const tally = (hosts: readonly WaitedHost[], where?: HostLabels): string => {
  const counts = VERDICT_KINDS.flatMap((kind) => {
    const { length } = of(hosts, kind);
    return length === 0 ? [] : [`${String(length)} ${kind}`];
  });
  if (counts.length > 0) return counts.join(', ');
  return where === undefined ? 'no host has reported yet' : `no host${withLabels(where)}`;
};

/** Prints a line for each change to a log, and redraws one table on a terminal. */
const createProgress = (io: Io, serial: number, where: HostLabels | undefined) => {
  const screen = terminalOf(io);
  let lines = 0;
  let hasPrintedNone = false;
  return (changed: readonly WaitedHost[], all: readonly WaitedHost[]): void => {
    if (screen.columns === undefined) {
      if (all.length === 0 && !hasPrintedNone) io.stdout.write(`${tally(all, where)}\n`);
      hasPrintedNone = all.length === 0;
      for (const { host, verdict } of changed) {
        const details = verdict.kind === 'converged' ? ` on ${String(serial)}` : `: ${verdictText(verdict)}`;
        io.stdout.write(`${host}: ${verdict.kind}${details} (${tally(all)})\n`);
      }
      return;
    }
    if (changed.length === 0 && lines > 0) return;
    const text = `${renderWait(all, screen)}${tally(all, where)}\n`;
    io.stdout.write(`${lines > 0 ? `\u001B[${String(lines)}A\u001B[J` : ''}${text}`);
    lines = text.split('\n').length - 1;
  };
};

/** The result of the wait, in one sentence. */
const endOf = (
  { outcome, hosts }: Waited,
  { target: { serial, environment }, awaited: { where }, maxFailed }: WaitFor,
): string => {
  const all = hosts.length;
  const labels = withLabels(where);
  const [running, failed] = [of(hosts, 'converged').length, of(hosts, 'failed').length];
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
      return `Serial ${String(serial)} was superseded: a later serial has other versions (${tally(hosts)}).`;
    case 'timed-out':
      return all === 0
        ? `Timed out: ${n} is published, and no host${labels} has reported for ${environment}.`
        : `Timed out: ${n} does not run on all hosts${labels} yet: ${tally(hosts)}`;
  }
};

const printEnd = (io: Io, waited: Waited, goal: WaitFor): void => {
  const { outcome, hosts, trouble } = waited;
  const screen = terminalOf(io);
  for (const { host, verdict } of hosts)
    if (verdict.kind === 'failed')
      for (const fault of verdict.faults) io.stderr.write(renderFault(host, fault, screen));
  (outcome === 'converged' ? io.stdout : io.stderr).write(`${endOf(waited, goal)}\n`);
  // Converged hosts may have other problems.
  for (const { host, verdict } of of(hosts, 'converged'))
    if (!isWell(verdict)) io.stderr.write(`${host}: ${verdictText(verdict)}\n`);
  if (outcome !== 'timed-out') return;
  if (trouble !== undefined) io.stderr.write(`the store could not be read at the end: ${oneLine(trouble)}\n`);
  if (hosts.length === 0 && goal.awaited.where === undefined)
    io.stderr.write(`${noReportAdvice(goal.target.environment)}; or name the hosts with --hosts\n`);
  for (const { host, verdict } of hosts.filter((h) => !['converged', 'failed'].includes(h.verdict.kind)))
    io.stderr.write(`${host}: ${verdictText(verdict)}\n`);
};

/** The hosts to wait for. */
export interface Awaited {
  /** Undefined for all that report. */
  readonly hosts: readonly string[] | undefined;
  readonly where: HostLabels | undefined;
  /** For people. */
  readonly text: string;
}

const SHOWN = 5;

const listOf = (names: readonly string[]): string => {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
};

/**
 * Finds the hosts to wait for before anything is published. Hosts can get and lose labels during the wait.
 * @throws AgentError USAGE if no host has the labels
 */
export const findAwaited = async (
  view: EnvironmentStore,
  { environment, hosts, where }: Omit<Awaited, 'text'> & { readonly environment: string },
  signal: AbortSignal,
): Promise<Awaited> => {
  if (where === undefined)
    return {
      hosts,
      where,
      text: hosts ? `${String(hosts.length)} hosts of the list` : 'all hosts that report',
    };
  const reports = await view.reports(hosts, signal);
  const known = new Map(reports.map((report) => [report.host, report]));
  const all = [...(hosts ?? known.keys())].map((host) => ({ host, report: known.get(host) }));
  const selected = selectHosts(all, where);
  const labels = formatLabels(where);
  if (selected.length === 0) {
    const whose = hosts ? 'of the list' : `that reports for ${environment}`;
    throw new AgentError('USAGE', `no host ${whose} has ${labels}: a wait would be for none`, {
      advice: noMatchAdvice(reports),
    });
  }
  const unheard = selected.flatMap(({ host, report }) => (report === undefined ? [host] : []));
  const count = `${String(selected.length - unheard.length)} of ${String(all.length)}`;
  const text =
    `the ${count} hosts ${hosts ? 'of the list ' : ''}that report ${labels}` +
    (unheard.length === 0 ? '' : `, and for ${listOf(unheard)}, whose labels are unknown`);
  return { hosts, where, text };
};

interface WaitFor {
  readonly target: Manifest;
  readonly awaited: Awaited;
  readonly timeoutMs: number;
  readonly maxFailed: number;
}

/** @throws the abort reason of `signal` */
export const waitAndPrint = async (
  {
    io,
    view,
    flags,
  }: { readonly io: Io; readonly view: EnvironmentStore; readonly flags: { readonly json?: boolean } },
  goal: WaitFor,
  signal: AbortSignal,
): Promise<{ readonly code: ExitCode; readonly waited: Waited }> => {
  const { target, awaited, timeoutMs, maxFailed } = goal;
  const { hosts, where, text } = awaited;
  const isQuiet = flags.json === true;
  const progress = isQuiet ? () => undefined : createProgress(io, target.serial, where);
  const clock = {
    now: Date.now,
    sleep: async (ms: number, until: AbortSignal) => sleep(ms, undefined, { signal: until }),
  };
  if (!isQuiet) io.stdout.write(`waiting for ${text}, for at most ${minutesText(timeoutMs)}\n`);
  const options = { target, hosts, where, timeoutMs, maxFailed, onChange: progress };
  const waited = await waitForFleet(view, options, clock, signal);
  if (!isQuiet) printEnd(io, waited, goal);
  return { code: CODES[waited.outcome], waited };
};
