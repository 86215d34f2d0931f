import type { Command } from 'commander';
import { resolve } from 'node:path';
import { readHubFiles } from '../../adapters/hub-files/hub-files.ts';
import { createRepairFiles, readForRepair } from '../../adapters/hub-files/repair-files.ts';
import type { DatabaseAddress } from '../../adapters/hub-postgres/database-address.ts';
import { createHubPostgres } from '../../adapters/hub-postgres/hub-postgres.ts';
import { AgentError } from '../../core/errors.ts';
import type { Repair } from '../../core/hub/plan-repair.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import type { ManifestRepair } from '../../core/ports/manifest-repair.ts';
import { printableMessage } from '../../core/printable-text.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { repairManifests } from '../../hub/manifests/repair-manifests.ts';
import type { Call } from '../call.ts';
import { writeJson, type Io } from '../streams.ts';
import { databaseOf } from '../wiring/hub-database.ts';
import { openStoppedFolder, requireHubFolder } from '../wiring/hub-folder.ts';
import { createHubTrust } from '../wiring/hub-trust.ts';

interface Options {
  readonly data: string;
  readonly store?: string;
  readonly trust?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const show = (io: Io, environment: string, { serial, steps, remarks }: Repair, isDryRun: boolean): void => {
  const would = isDryRun ? 'would be ' : '';
  for (const { kind, path, to, reason } of steps)
    io.stdout.write(
      kind === 'set-aside'
        ? `${path} ${would}set aside as ${to ?? ''}: ${reason}\n`
        : `${path} ${would}restored ${reason}\n`,
    );
  for (const remark of remarks) io.stderr.write(`warning: ${printableMessage(remark)}\n`);
  io.stdout.write(
    steps.length === 0
      ? `${environment} is in order: its current manifest is serial ${String(serial)}\n`
      : `the current manifest of ${environment} ${isDryRun ? 'would be' : 'is'} serial ${String(serial)}\n`,
  );
};

/** Runs `repair` on the database, or else on the folder: with its lock, if something is to be written. */
const withManifests = async (
  { data, database, isDryRun }: { data: string; database: DatabaseAddress | undefined; isDryRun: boolean },
  repair: (manifests: ManifestRepair) => Promise<Repair>,
): Promise<Repair> => {
  if (database) {
    const store = createHubPostgres({ address: database, now: Date.now, preparesSchema: !isDryRun });
    try {
      return await repair(store.repair);
    } finally {
      await store.close();
    }
  }
  await requireHubFolder(data);
  if (isDryRun) {
    const read = readForRepair(readHubFiles(data), Date.now);
    return repair({ read, apply: () => Promise.resolve('changed') });
  }
  const files = await openStoppedFolder(data, 'to repair');
  try {
    return await repair(createRepairFiles(files, Date.now));
  } finally {
    await files.close();
  }
};

/** `_own` lacks --data, --store and --trust: commander gives them to `hub`, which has them too. */
export const run = async (
  { io }: Call,
  environment: string,
  _own: unknown,
  command: Command,
): Promise<ExitCode> => {
  const options = command.optsWithGlobals<Options>();
  if (!isEnvironmentName(environment))
    throw new AgentError('USAGE', `"${environment}" is not a valid environment name`, {
      advice: 'write it as SUPERCARGO_ENVIRONMENT has it',
    });
  const data = resolve(options.data);
  const database = databaseOf(options.store, io.env);
  const trust = await createHubTrust({ file: options.trust, data })();
  const isDryRun = options.dryRun === true;
  const made = await withManifests({ data, database, isDryRun }, (manifests) =>
    repairManifests({ manifests, environment, trust, nowMs: Date.now(), isDryRun }),
  );
  const { serial, steps, remarks } = made;
  if (options.json === true)
    writeJson(io, {
      apiVersion: 'supercargo/hub-repair/v1',
      environment,
      serial,
      dryRun: isDryRun,
      changes: steps,
      remarks,
    });
  else show(io, environment, made, isDryRun);
  return EXIT.ok;
};
