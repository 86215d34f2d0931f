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
import { noReportAdvice, renderFault, renderWait } from '../render/fleet-text.ts';
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

const tally = (hosts: readonly WaitedHost[]): string => {
  const counts = VERDICT_KINDS.flatMap((kind) => {
    const { length } = of(hosts, kind);
    return length === 0 ? [] : [`${String(length)} ${kind}`];
  });
  return counts.length === 0 ? 'no host has reported yet' : counts.join(', ');
};

const minutes = (ms: number): string =>
  ms % 60_000 === 0 ? `${String(ms / 60_000)} min` : `${String(Math.round(ms / 1000))} s`;

/** Prints a line for each change to a log, and redraws one table on a terminal. */
const createProgress = (io: Io, serial: number) => {
  const screen = terminalOf(io);
  let lines = 0;
  let hasPrintedNone = false;
  return (changed: readonly WaitedHost[], all: readonly WaitedHost[]): void => {
    if (screen.columns === undefined) {
      if (all.length === 0 && !hasPrintedNone) io.stdout.write(`${tally(all)}\n`);
      hasPrintedNone = all.length === 0;
      for (const { host, verdict } of changed) {
        const details = verdict.kind === 'converged' ? ` on ${String(serial)}` : `: ${verdictText(verdict)}`;
        io.stdout.write(`${host}: ${verdict.kind}${details} (${tally(all)})\n`);
      }
      return;
    }
    if (changed.length === 0 && lines > 0) return;
    const text = `${renderWait(all, screen)}${tally(all)}\n`;
    io.stdout.write(`${lines > 0 ? `\u001B[${String(lines)}A\u001B[J` : ''}${text}`);
    lines = text.split('\n').length - 1;
  };
};

/** The result of the wait, in one sentence. */
const endOf = (
  { outcome, hosts }: Waited,
  { target: { serial, environment }, maxFailed }: WaitFor,
): string => {
  const all = hosts.length;
  const [running, failed] = [of(hosts, 'converged').length, of(hosts, 'failed').length];
  const n = `serial ${String(serial)}`;
  const hostsText = (count: number): string => `${String(count)} of ${String(all)} hosts`;
  switch (outcome) {
    case 'converged':
      return failed === 0
        ? `Done: ${n} runs on all hosts (${String(running)} of ${String(all)}).`
        : `Done: ${n} runs on ${hostsText(running)}; ` +
            `${String(failed)} failed, and --max-failed ${String(maxFailed)} allows that.`;
    case 'failed':
      return `Serial ${String(serial)} failed on ${hostsText(failed)}.`;
    case 'superseded':
      return `Serial ${String(serial)} was superseded: a later serial has other versions (${tally(hosts)}).`;
    case 'timed-out':
      return all === 0
        ? `Timed out: ${n} is published, and no host has reported for ${environment}.`
        : `Timed out: ${n} does not run on all hosts yet: ${tally(hosts)}`;
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
  if (hosts.length === 0)
    io.stderr.write(`${noReportAdvice(goal.target.environment)}; or name the hosts with --hosts\n`);
  for (const { host, verdict } of hosts.filter((h) => !['converged', 'failed'].includes(h.verdict.kind)))
    io.stderr.write(`${host}: ${verdictText(verdict)}\n`);
};

interface WaitFor {
  readonly target: Manifest;
  readonly hosts: readonly string[] | undefined;
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
  const { serial } = goal.target;
  const isQuiet = flags.json === true;
  const progress = isQuiet ? () => undefined : createProgress(io, serial);
  const clock = {
    now: Date.now,
    sleep: async (ms: number, until: AbortSignal) => sleep(ms, undefined, { signal: until }),
  };
  const hosts = goal.hosts ? `${String(goal.hosts.length)} hosts of the list` : 'all hosts that report';
  if (!isQuiet) io.stdout.write(`waiting for ${hosts}, for at most ${minutes(goal.timeoutMs)}\n`);
  const waited = await waitForFleet(view, { ...goal, onChange: progress }, clock, signal);
  if (!isQuiet) printEnd(io, waited, goal);
  return { code: CODES[waited.outcome], waited };
};
