import { createInterface } from 'node:readline/promises';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand } from '../wiring/send-command.ts';
import type { Call } from '../call.ts';
import { parseSerial } from '../arguments.ts';
import type { Io } from '../streams.ts';

interface RecoverOptions {
  readonly serial?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Shows the assumptions, asks for consent on a terminal, then rebuilds the ledger. */
export const run = async ({ io, signal }: Call, options: RecoverOptions): Promise<ExitCode> => {
  const serial = options.serial === undefined ? null : parseSerial(options.serial);
  const assumed = await sendCommand(io, { kind: 'recover', serial, dryRun: true }, signal);
  answerLines(io, assumed);
  if (options.dryRun === true || assumed.isDone === true) return EXIT.ok;
  if (options.yes !== true && isPerson(io) && !(await confirm(io, signal))) return EXIT.error;
  answerLines(io, await sendCommand(io, { kind: 'recover', serial, dryRun: false }, signal));
  return EXIT.ok;
};

const isPerson = (io: Io): boolean => io.stdin.isTTY && io.stdout.isTTY;

const confirm = async (io: Io, signal: AbortSignal): Promise<boolean> => {
  const lines = createInterface({ input: io.stdin, output: io.stdout });
  try {
    return /^y(es)?$/i.test(await lines.question('rebuild the ledger like this? [y/N] ', { signal }));
  } finally {
    lines.close();
  }
};
