import type { Command } from 'commander';
import { EXIT } from '../core/status/exit-code.ts';
import { answerLines, ask } from './ask.ts';
import type { Cli } from './cli.ts';
import { parseSerial } from './command.ts';

const HELP = `
Examples:
  supercargo recover --dry-run      show what would be assumed, change nothing
  supercargo recover                rebuild a lost or damaged ledger from what runs here
  supercargo recover --serial 418   the same, and accept manifests from serial 418 on

What runs stays as it is. The old ledger is set aside, never deleted.`;

interface RecoverOptions {
  readonly serial?: string;
  readonly dryRun?: boolean;
}

export const addRecover = (program: Command, { io, run }: Cli): void => {
  program
    .command('recover')
    .description('rebuild a lost ledger')
    .option('--serial <n>', 'the lowest serial to accept from now on')
    .option('--dry-run', 'only show what would be assumed')
    .addHelpText('after', HELP)
    .action((options: RecoverOptions) =>
      run(async (signal) => {
        const serial = options.serial === undefined ? null : parseSerial(options.serial);
        answerLines(io, await ask(io, { kind: 'recover', serial, dryRun: options.dryRun === true }, signal));
        return EXIT.ok;
      }),
    );
};
