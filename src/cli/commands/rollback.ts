import type { Command } from 'commander';
import { AgentError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest/model.ts';
import type { Services } from '../../core/publish/draft.ts';
import { previousSerials, restored, versionsBefore } from '../../core/publish/choose.ts';
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
--to-serial they are the last other ones, without those that were gone back from since. Options and exit codes are those of
publish.`;

interface Flags extends PublishFlags {
  readonly toSerial?: string;
}

/** What one looks for is among the last few. */
const MOST = 50;

/** The newest first, as far as they can be read: a key that signed long ago may not be known any more. */
const readHistory = async (
  view: EnvironmentStore,
  current: Manifest,
  signal: AbortSignal,
): Promise<readonly Manifest[]> => {
  // Some stores can't list: then every number below is tried.
  const listed = await view.serials(signal);
  const below = Array.from({ length: MOST }, (_, n) => current.serial - 1 - n).filter((n) => n > 0);
  const history = [current];
  for (const serial of previousSerials(listed ?? below, current.serial).slice(0, MOST)) {
    try {
      history.push(await view.published(serial, signal));
    } catch (error) {
      signal.throwIfAborted();
      const isGap = listed === undefined && error instanceof AgentError && error.code === 'STORE';
      if (isGap) continue;
      if (history.length === 1) throw error;
      break;
    }
  }
  return history;
};

const findBefore = async (
  view: EnvironmentStore,
  current: Manifest,
  signal: AbortSignal,
): Promise<Manifest> => {
  const before = versionsBefore(await readHistory(view, current, signal));
  if (before) return before;
  throw new AgentError(
    'STORE',
    `${view.name} keeps no versions from before those of ${String(current.serial)}`,
    {
      advice: 'publish the versions that you want, or name a serial with --to-serial',
    },
  );
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
    wanted === undefined ? await findBefore(s.view, current, signal) : await s.view.published(wanted, signal);
  if (flags.json !== true) cli.io.stdout.write(`back to the versions of ${String(older.serial)}\n`);
  const goBack = async (before: Manifest | undefined): Promise<Services> => {
    // Decided on what was there: what somebody has published since is not undone unseen.
    if (before?.serial === current.serial) return Promise.resolve(restored(older, before));
    throw new AgentError(
      'STORE',
      `somebody has published since: serial ${String(before?.serial ?? 'none')}`,
      {
        advice: `look at it with \`supercargo fleet ${environment}\`, and roll back again if that is still right`,
      },
    );
  };
  return publishAndTell(s, goBack, signal);
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
