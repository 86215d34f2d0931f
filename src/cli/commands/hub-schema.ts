import type { Command } from 'commander';
import { applySchema } from '../../adapters/hub-postgres/migrate-as-owner.ts';
import { addressText } from '../../adapters/hub-postgres/database-address.ts';
import { schemaText } from '../../adapters/hub-postgres/migrate.ts';
import { AgentError } from '../../core/errors.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { databaseOf } from '../wiring/hub-database.ts';

interface Options {
  readonly store?: string;
  readonly role?: string;
  readonly print?: boolean;
}

/** `_own` lacks --store: commander gives it to `hub`, which has it too. */
export const run = async ({ io }: Call, _own: unknown, command: Command): Promise<ExitCode> => {
  const { store, role, print } = command.optsWithGlobals<Options>();
  if (print === true) {
    io.stdout.write(`${schemaText(role)}\n`);
    return EXIT.ok;
  }
  const database = databaseOf(store, io.env);
  if (database === undefined)
    throw new AgentError('USAGE', 'no database is named', {
      advice: 'give --store postgres://OWNER@HOST/DATABASE, or --print',
    });
  const applied = await applySchema(database, role, Date.now);
  io.stdout.write(
    applied.length === 0
      ? `the tables in ${addressText(database)} are as this version needs them\n`
      : `the tables in ${addressText(database)} now have version ${String(applied.at(-1))}\n`,
  );
  if (role !== undefined) io.stdout.write(`the role ${role} may read and write their rows\n`);
  return EXIT.ok;
};
