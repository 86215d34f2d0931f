import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, callingUser, sendCommand } from '../wiring/send-command.ts';
import type { Call } from '../call.ts';

export const run = async (
  { io, signal }: Call,
  { reason }: { readonly reason: string },
): Promise<ExitCode> => {
  const command = { kind: 'switch-now', reason, owner: callingUser(io) } as const;
  answerLines(io, await sendCommand(io, command, signal));
  return EXIT.ok;
};
