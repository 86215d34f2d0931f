import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand, callingUser } from '../wiring/send-command.ts';
import type { Call } from '../call.ts';
import { durationArgument } from '../arguments.ts';

interface PauseOptions {
  readonly reason: string;
  readonly for?: string;
  readonly all?: boolean;
  readonly replace?: boolean;
}

export const run = async ({ io, signal }: Call, options: PauseOptions): Promise<ExitCode> => {
  const untilMs = options.for === undefined ? null : Date.now() + durationArgument(options.for);
  const { reason, all = false, replace } = options;
  const owner = callingUser(io);
  answerLines(
    io,
    await sendCommand(
      io,
      // Left out if unset, because an older agent does not know it.
      { kind: 'pause', reason, owner, untilMs, all, ...(replace !== undefined && { replace }) },
      signal,
    ),
  );
  return EXIT.ok;
};
