import type { Command } from 'commander';
import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import { readPaths } from '../../config/paths.ts';
import { AgentError } from '../../core/errors.ts';
import { EXIT, exitCodeOf, type ExitCode } from '../../core/status/exit-code.ts';
import type { Status } from '../../core/status/status-document.ts';
import type { Cli } from '../cli.ts';
import { parseDuration } from '../arguments.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import { renderStatus } from '../render/status-text.ts';

const HELP = `
Examples:
  supercargo sync           the agent reads its files and the manifest now, not at the next poll
  supercargo sync --wait    and this returns when nothing is under way any more, with status's exit codes`;

interface SyncOptions {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

const runSync = async (io: Io, options: SyncOptions): Promise<ExitCode> => {
  const path = options.wait === true ? '/sync-and-wait' : '/sync';
  const answer = await askAgent(
    readPaths(io.env).socketPath,
    'POST',
    path,
    undefined,
    parseDuration(options.timeout),
  );
  if (answer === undefined) {
    throw new AgentError('AGENT_NOT_RUNNING', 'no agent runs on this host', {
      advice: 'start it (systemctl start supercargo), or use supercargo once',
    });
  }
  const status = answer as Status;
  if (options.json === true) writeJson(io, status);
  else if (options.wait === true) io.stdout.write(renderStatus(status, terminalOf(io), Date.now()));
  else io.stdout.write('the agent looks again\n');
  return options.wait === true ? exitCodeOf(status, true) : EXIT.ok;
};

export const addSync = (program: Command, { io, run }: Cli): void => {
  program
    .command('sync')
    .description('fetch the manifest and reconcile now')
    .option('--wait', 'until nothing is under way any more')
    .option('--timeout <duration>', 'give up waiting after this', '10m')
    .option('--json', 'print the status document')
    .addHelpText('after', HELP)
    .action((options: SyncOptions) => run(() => runSync(io, options), options));
};
