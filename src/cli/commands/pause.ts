import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand, callingUser } from '../wiring/send-command.ts';
import type { Call } from '../call.ts';
import { durationArgument } from '../arguments.ts';

interface PauseOptions {
  readonly reason: string;
  readonly for?: string;
  readonly all?: boolean;
}

export const run = async ({ io, signal }: Call, options: PauseOptions): Promise<ExitCode> => {
  const untilMs = options.for === undefined ? null : Date.now() + durationArgument(options.for);
  const { reason, all = false } = options;
  answerLines(
    io,
    await sendCommand(io, { kind: 'pause', reason, owner: callingUser(io), untilMs, all }, signal),
  );
  return EXIT.ok;
};
