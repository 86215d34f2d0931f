import type { Command } from 'commander';
import { AgentError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import { promoted } from '../../core/publish/choose-versions.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import { createEnvironmentStore } from '../../publish/environment-store.ts';
import type { Cli } from '../cli.ts';
import { neverGreen } from '../publishing/interrupted.ts';
import {
  addCreateFlag,
  addPublishFlags,
  checkEnvironment,
  type PublishFlags,
} from '../publishing/options.ts';
import { needCurrent, openSession, publishAndPrint } from '../publishing/session.ts';

const HELP = `
Examples:
  supercargo promote staging production --to https://deploy.example.com --key jenkins.key --wait
  supercargo promote staging production web --to … --key …       only this service

The very digests that run in the first environment: nothing is built or looked up again. Options and exit codes are those of
publish.`;

const runPromote = async (
  cli: Cli,
  [fromText, to, ...services]: readonly string[],
  flags: PublishFlags,
  signal: AbortSignal,
): Promise<ExitCode> => {
  const from = checkEnvironment(fromText ?? '');
  if (from === to)
    throw new AgentError('USAGE', `${from} cannot be promoted to itself`, {
      advice: 'name the environment that it comes from and then the one that it goes to',
    });
  const s = await openSession(cli.io, to ?? '', flags);
  const view = createEnvironmentStore(s.store, from, s.trust);
  const { manifest: source, remarks } = await needCurrent(s, view, from, signal);
  for (const remark of remarks) cli.io.stderr.write(`warning: ${remark}\n`);
  const named = services.length > 0 ? services : Object.keys(source.services);
  const taken = {
    services: (before: Manifest | undefined) => Promise.resolve(promoted(source, before, services)),
    named,
  };
  return publishAndPrint(s, taken, signal);
};

export const addPromote = (program: Command, cli: Cli): void => {
  addCreateFlag(
    addPublishFlags(
      program
        .command('promote')
        .argument('<from>', 'the environment whose versions are taken')
        .argument('<to>', 'the environment that gets them')
        .argument('[service...]', 'only these (all that are published)')
        .description('give one environment the versions of another'),
    ),
  )
    .addHelpText('after', HELP)
    .action((from: string, to: string, services: readonly string[], flags: PublishFlags) =>
      cli.run((signal) => neverGreen(runPromote(cli, [from, to, ...services], flags, signal), signal), {
        json: flags.json,
      }),
    );
};
