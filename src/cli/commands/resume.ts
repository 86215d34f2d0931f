import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand } from '../wiring/send-command.ts';
import type { Call } from '../call.ts';

export const run = async ({ io, signal }: Call): Promise<ExitCode> => {
  answerLines(io, await sendCommand(io, { kind: 'resume' }, signal));
  return EXIT.ok;
};
