import type { Command } from 'commander';
import { resolve } from 'node:path';
import { readFolderContents } from '../../adapters/hub-files/folder-contents.ts';
import { readHubFiles } from '../../adapters/hub-files/hub-files.ts';
import type { DatabaseAddress } from '../../adapters/hub-postgres/database-address.ts';
import { createHubPostgres } from '../../adapters/hub-postgres/hub-postgres.ts';
import { AgentError } from '../../core/errors.ts';
import { printableMessage } from '../../core/printable-text.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { migrateStore, type MigratedEnvironment, type Migration } from '../../hub/store/migrate-store.ts';
import type { Call } from '../call.ts';
import { writeJson, type Io } from '../streams.ts';
import { count } from '../terminal/units.ts';
import { databaseOf } from '../wiring/hub-database.ts';
import { openStoppedFolder, requireHubFolder } from '../wiring/hub-folder.ts';

interface Options {
  readonly data: string;
  readonly store?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface Places {
  readonly data: string;
  readonly database: DatabaseAddress;
  readonly isDryRun: boolean;
}

const lineOf = (
  { environment, serial, documents, turns }: MigratedEnvironment,
  isDryRun: boolean,
): string => {
  const [current] = documents;
  const there = documents.filter(({ outcome }) => outcome === 'there').length;
  const parts = [
    serial === null ? 'no manifest' : `serial ${String(serial)} (sha256 ${current?.sha256 ?? ''})`,
    ...(documents.length === 0 ? [] : [count(documents.length, 'document')]),
    ...(turns === null ? [] : ['turns']),
    ...(there === 0 ? [] : [`${String(there)} there already`]),
  ];
  return `${environment} ${isDryRun ? 'would be copied' : 'is copied and read back'}: ${parts.join(', ')}\n`;
};

const nextSteps = ({ data }: Places): string => `
Next:
  1. Start the hubs with --store, with the secrets and the trust file of the one that was stopped. Its archives are
     in ${data}/archives: the hubs need that folder as --data.
  2. Within a minute every host has reported; turns are granted from then on (supercargo fleet ENV).
  3. Keep ${data}: the archives are in it, and all else is a backup of this moment.
The way back, as long as nothing was published to the database: stop the hubs, start the one with --data alone.
After a publish the folder has lower serials than the hosts, and they refuse those.
`;

const show = (io: Io, places: Places, { environments, remarks }: Migration): void => {
  for (const remark of remarks) io.stderr.write(`warning: ${printableMessage(remark)}\n`);
  if (environments.length === 0) io.stdout.write(`${places.data} has no environment yet\n`);
  for (const each of environments) io.stdout.write(lineOf(each, places.isDryRun));
  if (!places.isDryRun) io.stdout.write(nextSteps(places));
};

const NO_TABLES =
  'the database has no tables for hubs yet: the migration makes them if its role may; ' +
  'else run supercargo hub schema as the owner of the database first';

const migrate = async ({ data, database, isDryRun }: Places): Promise<Migration> => {
  const files = isDryRun ? undefined : await openStoppedFolder(data, 'to migrate');
  const options = { address: database, now: Date.now, preparesSchema: !isDryRun };
  const [target, readBack] = [createHubPostgres(options), createHubPostgres(options)];
  try {
    const source = readFolderContents(data, files ?? readHubFiles(data));
    const isEmpty = isDryRun && !(await target.hasTables());
    const migration = await migrateStore({
      source,
      target: isEmpty ? undefined : target,
      readBack,
      nowMs: Date.now(),
      isDryRun,
    });
    return isEmpty ? { ...migration, remarks: [...migration.remarks, NO_TABLES] } : migration;
  } finally {
    await Promise.all([target.close(), readBack.close(), files?.close()]);
  }
};

/** `_own` lacks --data and --store: commander gives them to `hub`, which has them too. */
export const run = async ({ io }: Call, _own: unknown, command: Command): Promise<ExitCode> => {
  const options = command.optsWithGlobals<Options>();
  const database = databaseOf(options.store, io.env);
  if (!database)
    throw new AgentError('USAGE', 'no database is given', {
      advice: 'name it with --store postgres://ROLE@HOST/DATABASE, or in SUPERCARGO_HUB_STORE',
    });
  const data = resolve(options.data);
  await requireHubFolder(data);
  const places = { data, database, isDryRun: options.dryRun === true };
  const migration = await migrate(places);
  if (options.json === true)
    writeJson(io, {
      apiVersion: 'supercargo/hub-migrate/v1',
      dryRun: places.isDryRun,
      environments: migration.environments,
      remarks: migration.remarks,
    });
  else show(io, places, migration);
  return EXIT.ok;
};
