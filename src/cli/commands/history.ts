import { join } from 'node:path';
import type { Command } from 'commander';
import { createJournal } from '../../adapters/state-dir/journal-file.ts';
import { readPaths } from '../../config/paths.ts';
import { AgentError } from '../../core/errors.ts';
import type { JournalEntry } from '../../core/ports/journal.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Cli } from '../cli.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import { renderTable } from '../terminal/table.ts';

const HELP = `
Examples:
  supercargo history             what happened here, the newest last
  supercargo history -n 200      more of it
  supercargo history web --json  one service's, as a document (supercargo/history/v1)`;

interface Options {
  readonly json?: boolean;
  readonly limit: string;
}

const runHistory = async (io: Io, service: string | undefined, options: Options): Promise<ExitCode> => {
  const limit = Number(options.limit);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new AgentError('USAGE', `"${options.limit}" is not a number of entries`, { advice: 'write -n 50' });
  }
  const journal = createJournal({ path: join(readPaths(io.env).stateDir, 'history.jsonl') });
  const entries = (await journal.read())
    .filter((e) => service === undefined || e['service'] === service)
    .slice(-limit);
  if (options.json === true) {
    writeJson(io, { apiVersion: 'supercargo/history/v1', entries });
    return EXIT.ok;
  }
  if (entries.length === 0) io.stdout.write('nothing has happened here yet\n');
  const { palette, ...terminal } = terminalOf(io);
  const rows = entries.map((e) => [
    palette.faint(e.at),
    typeof e['service'] === 'string' ? e['service'] : '',
    e.event,
    detailsOf(e),
  ]);
  io.stdout.write(renderTable({ rows }, terminal));
  return EXIT.ok;
};

const FRAME = new Set(['at', 'event', 'service', 'log']);

const detailsOf = (entry: JournalEntry): string =>
  Object.entries(entry)
    .filter(([name, value]) => !FRAME.has(name) && value !== null)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');

export const addHistory = (program: Command, { io, run }: Cli): void => {
  program
    .command('history')
    .argument('[service]', 'one service only')
    .description('what happened on this host')
    .option('-n, --limit <entries>', 'at most so many', '50')
    .option('--json', 'print the document')
    .addHelpText('after', HELP)
    .action((service: string | undefined, options: Options) =>
      run(() => runHistory(io, service, options), options),
    );
};
