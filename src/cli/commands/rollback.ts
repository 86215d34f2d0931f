import type { Command } from 'commander';
import { AgentError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest/model.ts';
import { previousSerials, restored, sameVersions } from '../../core/publish/choose.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import type { EnvironmentStore } from '../../publish/store.ts';
import type { Cli } from '../cli.ts';
import { neverGreen } from '../publishing/interrupted.ts';
import { addPublishFlags, parseSerialFlag, type PublishFlags } from '../publishing/options.ts';
import { needCurrent, openSession, publishAndTell } from '../publishing/session.ts';

const HELP = `
Examples:
  supercargo rollback staging --to https://deploy.example.com --key jenkins.key --wait
  supercargo rollback staging --to-serial 417 --to … --key …

Publishes the versions of an older serial under a new one, which is higher: hosts never go back in serials. Without
--to-serial it is the last one whose versions were others. Options and exit codes are those of publish.`;

interface Flags extends PublishFlags {
  readonly toSerial?: string;
}

/** The newest one that wants other versions. */
const lastOther = async (
  view: EnvironmentStore,
  current: Manifest,
  signal: AbortSignal,
): Promise<Manifest> => {
  // Some stores can't list: then every number below is tried.
  const listed = await view.serials(signal);
  const below = Array.from({ length: Math.min(current.serial - 1, 100) }, (_, n) => current.serial - 1 - n);
  const candidates = listed ? previousSerials(listed, current.serial) : below;
  for (const serial of candidates) {
    const older = await view.published(serial, signal).catch((error: unknown) => {
      if (listed || !(error instanceof AgentError && error.code === 'STORE')) throw error;
      return undefined;
    });
    if (older && !sameVersions(older.services, current.services)) return older;
  }
  throw new AgentError('STORE', `${view.name} keeps no older manifest with other versions`, {
    advice: 'publish the versions that you want back',
  });
};

const runRollback = async (
  cli: Cli,
  environment: string,
  flags: Flags,
  signal: AbortSignal,
): Promise<ExitCode> => {
  const wanted = parseSerialFlag(flags.toSerial);
  const s = await openSession(cli.io, environment, flags);
  const current = await needCurrent(s.view, environment, signal);
  const older =
    wanted === undefined ? await lastOther(s.view, current, signal) : await s.view.published(wanted, signal);
  if (flags.json !== true) cli.io.stdout.write(`back to the versions of ${String(older.serial)}\n`);
  return publishAndTell(s, (before) => Promise.resolve(restored(older, before)), signal);
};

export const addRollback = (program: Command, cli: Cli): void => {
  addPublishFlags(
    program
      .command('rollback')
      .argument('<environment>', 'whose versions are taken back')
      .option('--to-serial <n>', 'the versions of this serial')
      .description('publish the versions of before'),
  )
    .addHelpText('after', HELP)
    .action((environment: string, flags: Flags) =>
      cli.run((signal) => neverGreen(runRollback(cli, environment, flags, signal), signal), {
        json: flags.json,
      }),
    );
};
