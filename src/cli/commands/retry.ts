import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand } from '../wiring/send-command.ts';
import type { Call } from '../call.ts';

export const run = async ({ io, signal }: Call, service: string): Promise<ExitCode> => {
  answerLines(io, await sendCommand(io, { kind: 'retry', service }, signal));
  return EXIT.ok;
};
