import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from '../core/status/exit-code.ts';
import { VERSION } from './version.ts';
import { reportError } from './terminal/report-error.ts';
import type { Cli } from './cli.ts';
import type { Io } from './streams.ts';

/**
 * Each command's file is loaded only when that command is called: `status` needs no Docker client to start.
 */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command, cli: Cli) => void>>> = {
  run: async () => (await import('./commands/run.ts')).addRun,
  once: async () => (await import('./commands/once.ts')).addOnce,
  status: async () => (await import('./commands/status.ts')).addStatus,
  plan: async () => (await import('./commands/plan.ts')).addPlan,
  explain: async () => (await import('./commands/explain.ts')).addExplain,
  history: async () => (await import('./commands/history.ts')).addHistory,
  sync: async () => (await import('./commands/sync.ts')).addSync,
  pause: async () => (await import('./commands/pause.ts')).addPause,
  resume: async () => (await import('./commands/pause.ts')).addResume,
  retry: async () => (await import('./commands/retry.ts')).addRetry,
  recover: async () => (await import('./commands/recover.ts')).addRecover,
  validate: async () => (await import('./commands/validate.ts')).addValidate,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  fleet: async () => (await import('./commands/fleet.ts')).addFleet,
  rollback: async () => (await import('./commands/rollback.ts')).addRollback,
  promote: async () => (await import('./commands/promote.ts')).addPromote,
  publish: async () => (await import('./commands/publish.ts')).addPublish,
  keygen: async () => (await import('./commands/keygen.ts')).addKeygen,
  hub: async () => (await import('./commands/hub.ts')).addHub,
};

const HELP = `
Example:
  supercargo status        what runs here, what should, and why not yet

Configuration comes from the environment and from /etc/supercargo/agent.env.
Exit codes everywhere: 0 ok · 1 error · 2 progressing, waiting or changes to make · 3 rolled back or blocked · 4 offline`;

/** The program with these commands, or all: its help, man page and completions are made of it too. */
export const createProgram = async (
  cli: Cli,
  names: readonly string[] = Object.keys(COMMANDS),
): Promise<Command> => {
  const { io } = cli;
  const program = new Command('supercargo')
    .description('Makes this Docker host run what its environment’s manifest says.')
    .version(VERSION)
    // Taken off by main (instance-option.ts) before any command is known; here for the help, and for one without a
    // name.
    .option('--instance <name>', 'the agent of supercargo@NAME.service, where a host has several')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError('(see supercargo --help)')
    .addHelpText('after', HELP);
  for (const name of names) (await COMMANDS[name]?.())?.(program, cli);
  program.commands.forEach((command) => command.exitOverride());
  return program;
};

/** Runs one command line to its end. */
export const runProgram = async (
  argv: readonly string[],
  io: Io,
  aborted: AbortSignal,
): Promise<ExitCode> => {
  let code: ExitCode = EXIT.ok;
  const cli: Cli = {
    io,
    run: async (action, options) => {
      try {
        code = await action(aborted);
      } catch (error) {
        code =
          aborted.aborted && (error as { name?: string }).name === 'AbortError'
            ? EXIT.ok
            : reportError(io, error, options?.json === true);
      }
    },
  };
  const named = argv.find((word) => !word.startsWith('-'));
  const program = await createProgram(cli, named !== undefined && named in COMMANDS ? [named] : undefined);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.error;
  }
  return code;
};
