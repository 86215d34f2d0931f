import type { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openHubFiles, readHubFiles } from '../../adapters/hub-files/hub-files.ts';
import { AgentError } from '../../core/errors.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { applyRepair, planRepair, type Repair } from '../../hub/repair.ts';
import type { Call } from '../call.ts';
import { createHubTrust } from '../wiring/hub-trust.ts';
import { writeJson, type Io } from '../streams.ts';
import { printableMessage } from '../../core/printable-text.ts';

interface Options {
  readonly data: string;
  readonly trust?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const checkFolder = async (data: string): Promise<void> => {
  const found = await stat(join(data, 'manifests')).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new AgentError('USAGE', `${data} is not the folder of a hub`, {
    advice: 'name the folder that the hub has as --data, as a user who may read it',
  });
};

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

const open = async (data: string) => {
  try {
    return await openHubFiles(data);
  } catch (error) {
    if (!(error instanceof AgentError) || !error.message.startsWith('another hub')) throw error;
    throw new AgentError('STORE', `a hub is at work in ${data}`, {
      advice:
        'check with --dry-run; to repair, stop the hub (systemctl stop supercargo-hub) ' +
        'and start it again afterwards; the hosts keep running meanwhile',
    });
  }
};

/** `_own` lacks --data and --trust: commander gives them to `hub`, which has them too. */
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
  await checkFolder(data);
  const trust = await createHubTrust({ file: options.trust, data })();
  const planned = { environment, trust, nowMs: Date.now() };
  const isDryRun = options.dryRun === true;
  const repair = async (): Promise<Repair> => {
    if (isDryRun) return planRepair({ ...planned, files: readHubFiles(data) });
    const files = await open(data);
    try {
      const made = await planRepair({ ...planned, files });
      await applyRepair(files, made);
      return made;
    } finally {
      await files.close();
    }
  };
  const made = await repair();
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
