import type { Command } from 'commander';
import { EXIT } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand } from '../wiring/send-command.ts';
import type { Cli } from '../cli.ts';

const HELP = `
Example:
  supercargo retry web       try the quarantined release of web again, on this host

Everywhere at once: supercargo publish --retry.`;

export const addRetry = (program: Command, { io, run }: Cli): void => {
  program
    .command('retry')
    .argument('<service>', 'the service whose release is quarantined')
    .description('clear a quarantine on this host')
    .addHelpText('after', HELP)
    .action((service: string) =>
      run(async (signal) => {
        answerLines(io, await sendCommand(io, { kind: 'retry', service }, signal));
        return EXIT.ok;
      }),
    );
};
