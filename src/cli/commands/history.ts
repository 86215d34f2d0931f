import { join } from 'node:path';
import { createJournal } from '../../adapters/state-dir/journal-file.ts';
import { readPaths } from '../../config/paths.ts';
import { AgentError } from '../../core/errors.ts';
import type { JournalEntry } from '../../core/ports/journal.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { terminalOf, writeJson } from '../streams.ts';
import { printableDocument } from '../../core/printable-text.ts';
import { renderTable } from '../terminal/table.ts';
import { permissionDenied } from '../../io/permission-denied.ts';

interface Options {
  readonly json?: boolean;
  readonly limit: string;
}

export const run = async ({ io }: Call, service: string | undefined, options: Options): Promise<ExitCode> => {
  const limit = Number(options.limit);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new AgentError('USAGE', `"${options.limit}" is not a number of entries`, { advice: 'write -n 50' });
  }
  const path = join(readPaths(io.env).stateDir, 'history.jsonl');
  const all = await createJournal({ path })
    .read()
    .catch((error: unknown) => {
      throw error instanceof AgentError && error.fields['code'] === 'EACCES' ? permissionDenied(path) : error;
    });
  const own = all.filter((e) => service === undefined || e['service'] === service);
  if (service !== undefined && own.length === 0) throw unknownService(service, all);
  const entries = own.slice(-limit);
  if (options.json === true) {
    writeJson(io, { apiVersion: 'supercargo/history/v1', entries });
    return EXIT.ok;
  }
  if (entries.length === 0) io.stdout.write('nothing has happened here yet\n');
  const { palette, ...terminal } = terminalOf(io);
  const rows = printableDocument(entries).map((e) => [
    palette.faint(e.at),
    typeof e['service'] === 'string' ? e['service'] : '',
    e.event,
    detailsOf(e),
  ]);
  io.stdout.write(renderTable({ rows }, terminal));
  return EXIT.ok;
};

const unknownService = (service: string, entries: readonly JournalEntry[]): AgentError => {
  const names = new Set(entries.flatMap((e) => (typeof e['service'] === 'string' ? [e['service']] : [])));
  return new AgentError('USAGE', `the history of this host has nothing about ${service}`, {
    advice:
      names.size === 0 ? 'nothing has happened here yet' : `one of: ${[...names].toSorted().join(', ')}`,
  });
};

const FRAME = new Set(['at', 'event', 'service', 'log']);

const detailsOf = (entry: JournalEntry): string =>
  Object.entries(entry)
    .filter(([name, value]) => !FRAME.has(name) && value !== null)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
