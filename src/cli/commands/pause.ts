import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { answerLines, sendCommand, whoAsks } from '../wiring/send-command.ts';
import type { Cli } from '../cli.ts';
import { parseDuration } from '../arguments.ts';
import type { Io } from '../streams.ts';

const HELP = `
Examples:
  supercargo pause --reason "database migration, ask Ann" --for 2h
  supercargo pause --reason "forensics" --all      not even drift is repaired

A hold keeps switches from beginning; rollbacks and repairs go on. With --all nothing is changed. End it with resume.`;

interface PauseOptions {
  readonly reason: string;
  readonly for?: string;
  readonly all?: boolean;
}

const runPause = async (io: Io, options: PauseOptions, signal: AbortSignal): Promise<ExitCode> => {
  const untilMs = options.for === undefined ? null : Date.now() + parseDuration(options.for);
  const { reason, all = false } = options;
  answerLines(io, await sendCommand(io, { kind: 'pause', reason, owner: whoAsks(io), untilMs, all }, signal));
  return EXIT.ok;
};

export const addPause = (program: Command, { io, run }: Cli): void => {
  program
    .command('pause')
    .description('hold changes on this host for a while')
    .requiredOption('--reason <text>', 'why, for those who look at status')
    .option('--for <duration>', 'ends by itself after this, for example 2h')
    .option('--all', 'stop drift repair and rollbacks too')
    .addHelpText('after', HELP)
    .action((options: PauseOptions) => run((signal) => runPause(io, options, signal)));
};

export const addResume = (program: Command, { io, run }: Cli): void => {
  program
    .command('resume')
    .description('end a hold')
    .addHelpText('after', '\nExample:\n  supercargo resume')
    .action(() =>
      run(async (signal) => {
        answerLines(io, await sendCommand(io, { kind: 'resume' }, signal));
        return EXIT.ok;
      }),
    );
};
