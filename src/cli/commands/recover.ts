import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand } from '../wiring/send-command.ts';
import type { Cli } from '../cli.ts';
import { parseSerial } from '../arguments.ts';
import type { Io } from '../streams.ts';

const HELP = `
Examples:
  supercargo recover --dry-run      show what would be assumed, change nothing
  supercargo recover                rebuild a lost or damaged ledger from what runs here
  supercargo recover --serial 418   the same, and accept manifests from serial 418 on

What runs stays as it is. The old ledger is set aside, never deleted.`;

interface RecoverOptions {
  readonly serial?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Shows what will be assumed, then does it; a person at a terminal is asked in between. */
const runRecover = async (io: Io, options: RecoverOptions, signal: AbortSignal): Promise<ExitCode> => {
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

export const addRecover = (program: Command, { io, run }: Cli): void => {
  program
    .command('recover')
    .description('rebuild a lost ledger')
    .option('--serial <n>', 'the lowest serial to accept from now on')
    .option('--dry-run', 'only show what would be assumed')
    .option('--yes', 'do not ask')
    .addHelpText('after', HELP)
    .action((options: RecoverOptions) => run((signal) => runRecover(io, options, signal)));
};
