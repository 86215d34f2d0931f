import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from '../core/status/exit-code.ts';
import { VERSION } from './version.ts';
import type { ActionOf } from './call.ts';
import { addHostCommands } from './definitions/host-commands.ts';
import { addHubCommands } from './definitions/hub-commands.ts';
import { addPublishCommands } from './definitions/publish-commands.ts';
import { addRolloutCommands } from './definitions/rollout-commands.ts';
import type { Io, Output } from './streams.ts';

const HELP = `
Example:
  supercargo status        what runs here, what should, and why not yet

Configuration comes from the environment and from /etc/supercargo/agent.env.
Exit codes everywhere: 0 ok · 1 error · 2 progressing, waiting or changes to make · 3 rolled back or blocked ·
4 offline · 5 the time is over`;

/** The program with all its commands. Help, man page and completions derive from it too. */
export const createProgram = ({ stdout, stderr }: Output, actionOf: ActionOf): Command => {
  const program = new Command('supercargo')
    .description('Makes this Docker host run what its environment’s manifest says.')
    .version(VERSION)
    // main has already removed it (instance-option.ts). This one serves the help, and refuses a missing name.
    .option('--instance <name>', 'the agent of supercargo@NAME.service, where a host has several')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .showHelpAfterError('(see supercargo --help)')
    .addHelpText('after', HELP);
  addHostCommands(program, actionOf);
  addPublishCommands(program, actionOf);
  addRolloutCommands(program, actionOf);
  addHubCommands(program, actionOf);
  return program;
};

/** Runs one command line until its end or the signal. An error becomes a message and an exit code. */
export const runProgram = async (
  argv: readonly string[],
  output: Output,
  openIo: () => Promise<Io>,
  signal: AbortSignal,
): Promise<ExitCode> => {
  let code: ExitCode = EXIT.ok;
  const actionOf: ActionOf =
    (load) =>
    async (...given) => {
      // commander passes the options second to last, before the command.
      const { json } = given.at(-2) as { readonly json?: boolean };
      try {
        const [{ run }, io] = await Promise.all([load(), openIo()]);
        code = await run({ io, signal }, ...(given as never[]));
      } catch (error) {
        const isAbort = signal.aborted && (error as { name?: string }).name === 'AbortError';
        if (isAbort) return;
        const { reportError } = await import('./terminal/report-error.ts');
        code = reportError(output, error, json === true);
      }
    };
  try {
    await createProgram(output, actionOf).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.error;
  }
  return code;
};
