import { canGoOut, progressOut } from '../../core/status/drain-progress.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { durationArgument } from '../arguments.ts';
import { goWay } from '../drain/follow-drain.ts';
import { callingUser } from '../wiring/send-command.ts';

interface DrainOptions {
  readonly reason: string;
  readonly for?: string;
  readonly wait: boolean;
}

const OUT = {
  progressOf: progressOut,
  canGoOn: canGoOut,
  reached: 'this host is out of service: every service is stopped',
  turned: 'the drain has ended: this host goes back into service',
  stuck: 'this host is not out of service yet, and cannot go on by itself; the drain stays in force',
  interrupted: 'the drain stays in force, and the agent goes on; `supercargo undrain` ends it',
};

export const run = async ({ io, signal }: Call, options: DrainOptions): Promise<ExitCode> => {
  const untilMs = options.for === undefined ? null : Date.now() + durationArgument(options.for);
  const { reason } = options;
  const command = { kind: 'drain', reason, owner: callingUser(io), untilMs } as const;
  return goWay(io, OUT, command, options.wait, signal);
};
