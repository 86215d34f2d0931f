import type { HostVerdict } from '../../core/fleet/judge.ts';
import { tellVerdict } from '../../core/fleet/judge.ts';
import type { Manifest } from '../../core/manifest/model.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { EnvironmentStore } from '../../publish/store.ts';
import { waitForFleet, type JudgedHost, type Waited, type WaitOutcome } from '../../publish/wait.ts';
import { terminalOf, type Io } from '../io.ts';
import { renderFault, renderWait } from '../render/fleet.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const CODES: Readonly<Record<WaitOutcome, ExitCode>> = {
  converged: EXIT.ok,
  failed: EXIT.failed,
  superseded: EXIT.failed,
  'timed-out': EXIT.timedOut,
};

const of = (hosts: readonly JudgedHost[], kind: HostVerdict['kind']): readonly JudgedHost[] =>
  hosts.filter((h) => h.verdict.kind === kind);

const tally = (hosts: readonly JudgedHost[]): string => {
  const kinds = ['converged', 'pending', 'failed', 'superseded', 'stopped', 'silent'] as const;
  const counts = kinds.flatMap((kind) => {
    const { length } = of(hosts, kind);
    return length === 0 ? [] : [`${String(length)} ${kind}`];
  });
  return counts.length === 0 ? 'no host has reported yet' : counts.join(', ');
};

const minutes = (ms: number): string =>
  ms % 60_000 === 0 ? `${String(ms / 60_000)} min` : `${String(Math.round(ms / 1000))} s`;

/** A line for each change in a log; on a terminal one table that is drawn again. */
const createProgress = (io: Io, serial: number) => {
  const screen = terminalOf(io);
  let lines = 0;
  let isToldOfNone = false;
  return (changed: readonly JudgedHost[], all: readonly JudgedHost[]): void => {
    if (screen.columns === undefined) {
      if (all.length === 0 && !isToldOfNone) io.stdout.write(`${tally(all)}\n`);
      isToldOfNone = all.length === 0;
      for (const { host, verdict } of changed)
        io.stdout.write(
          `${host}: ${verdict.kind}${verdict.kind === 'converged' ? ` on ${String(serial)}` : `: ${tellVerdict(verdict)}`} (${tally(all)})\n`,
        );
      return;
    }
    if (changed.length === 0 && lines > 0) return;
    const text = `${renderWait(all, screen)}${tally(all)}\n`;
    io.stdout.write(`${lines > 0 ? `\u001B[${String(lines)}A\u001B[J` : ''}${text}`);
    lines = text.split('\n').length - 1;
  };
};

const tellEnd = (io: Io, { outcome, hosts, trouble }: Waited, serial: number): void => {
  const screen = terminalOf(io);
  for (const { host, verdict } of hosts)
    if (verdict.kind === 'failed')
      for (const fault of verdict.faults) io.stderr.write(renderFault(host, fault, screen));
  const words: Readonly<Record<WaitOutcome, string>> = {
    converged: `every host runs ${String(serial)}`,
    failed: `${String(serial)} failed`,
    superseded: `${String(serial)} was superseded: somebody published other versions since`,
    'timed-out': `${String(serial)} is not everywhere yet, and the time is over`,
  };
  (outcome === 'converged' ? io.stdout : io.stderr).write(`${words[outcome]}: ${tally(hosts)}\n`);
  if (outcome !== 'timed-out') return;
  if (trouble !== undefined) io.stderr.write(`the store could not be read at the end: ${trouble}\n`);
  if (hosts.length === 0)
    io.stderr.write(
      '  → no host of this environment reports to this store: set SUPERCARGO_REPORT_URL on the hosts, or name them with --hosts\n',
    );
  for (const { host, verdict } of hosts.filter((h) => !['converged', 'failed'].includes(h.verdict.kind)))
    io.stderr.write(`${host}: ${tellVerdict(verdict)}\n`);
};

interface WaitFor {
  readonly target: Manifest;
  readonly hosts: readonly string[] | undefined;
  readonly timeoutMs: number;
  readonly maxFailed: number;
}

/** @throws the abort of `signal`: what was published stays */
export const waitAndTell = async (
  {
    io,
    view,
    flags,
  }: { readonly io: Io; readonly view: EnvironmentStore; readonly flags: { readonly json?: boolean } },
  wanted: WaitFor,
  signal: AbortSignal,
): Promise<{ readonly code: ExitCode; readonly waited: Waited }> => {
  const { serial } = wanted.target;
  const isQuiet = flags.json === true;
  const progress = isQuiet ? () => undefined : createProgress(io, serial);
  const clock = {
    now: Date.now,
    sleep: async (ms: number, until: AbortSignal) => sleep(ms, undefined, { signal: until }),
  };
  const whom = wanted.hosts ? `${String(wanted.hosts.length)} hosts of the list` : 'all hosts that report';
  if (!isQuiet) io.stdout.write(`waiting for ${whom}, for at most ${minutes(wanted.timeoutMs)}\n`);
  const waited = await waitForFleet(view, { ...wanted, onChange: progress }, clock, signal);
  if (!isQuiet) tellEnd(io, waited, serial);
  return { code: CODES[waited.outcome], waited };
};
