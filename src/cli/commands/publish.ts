import type { Command } from 'commander';
import { AgentError } from '../../core/errors.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import { retried, resolvedService, type Services } from '../../core/publish/draft.ts';
import { imageFor, parseVersionRequests } from '../../core/publish/version-request.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { Cli } from '../cli.ts';
import { createArchiving } from '../publishing/archiving.ts';
import { neverGreen } from '../publishing/interrupted.ts';
import { addCreateFlag, addPublishFlags, type PublishFlags } from '../publishing/options.ts';
import { openSession, publishAndPrint } from '../publishing/session.ts';
import { openRegistry } from '../publishing/open-store.ts';
import { formatImage } from '../../core/image/reference.ts';

const HELP = `
Examples:
  supercargo publish staging web=1.2.3 --to https://deploy.example.com --key jenkins.key --wait
  supercargo publish staging web=registry.example.com/org/web:1.2.3 --to … --key … --create     the first time
  supercargo publish production web=1.2.3 --to … --key … --rollout 1h:5% --wait --on-failure rollback
  supercargo publish staging --retry web --to … --key …                                  once more, where it was given up
  supercargo publish production web=1.2.3 --to … --key … --archive                       the image travels along

Every version is looked up at its registry, and published with its digest. SUPERCARGO_STORE may stand for --to, and
SUPERCARGO_PUBLISH_TOKEN or SUPERCARGO_PUBLISH_TOKEN_FILE hold the store's token; logins of registries are docker's.

Exit codes: 0 published (with --wait: every host runs it) · 1 nothing was published · 3 it failed on too many hosts ·
5 the time is over`;

interface Flags extends PublishFlags {
  readonly retry: readonly string[];
  readonly platform: readonly string[];
  readonly archive?: boolean;
}

const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value];

const runPublish = async (
  cli: Cli,
  environment: string,
  versions: readonly string[],
  flags: Flags,
  signal: AbortSignal,
): Promise<ExitCode> => {
  if (versions.length === 0 && flags.retry.length === 0)
    throw new AgentError('USAGE', 'nothing to publish', {
      advice: 'name at least one version, like web=1.2.3, or --retry SERVICE',
    });
  const requests = parseVersionRequests(versions);
  const s = await openSession(cli.io, environment, flags);
  const registry = openRegistry(s.config);
  const archiving = flags.archive === true ? createArchiving(s, registry, flags.platform) : undefined;
  const services = async (before: Manifest | undefined, stop: AbortSignal): Promise<Services> => {
    const found = await Promise.all(
      requests.map(async (request) => {
        const image = imageFor(request, before);
        const published = await registry.look(image, stop);
        const missing = flags.platform.find((p) => published.imageIds[p] === undefined);
        if (missing !== undefined)
          throw new AgentError('IMAGE_NOT_FOUND', `${formatImage(image)} has no image for ${missing}`, {
            advice: `it is there for ${Object.keys(published.imageIds).join(', ')}: build it for the hosts' platform, or correct --platform`,
          });
        const { service } = request;
        const wanted = resolvedService(image, published, before?.services[service]);
        return [service, archiving ? await archiving.archive(service, wanted, stop) : wanted] as const;
      }),
    );
    return retried({ ...before?.services, ...Object.fromEntries(found) }, flags.retry);
  };
  const named = requests.map(({ service }) => service);
  return publishAndPrint(s, { services, named }, signal, async () => archiving?.sweep(signal));
};

export const addPublish = (program: Command, cli: Cli): void => {
  addCreateFlag(
    addPublishFlags(
      program
        .command('publish')
        .argument('<environment>', 'whose hosts are to run it')
        .argument('[version...]', 'SERVICE=TAG, SERVICE=sha256:… or SERVICE=REPOSITORY:TAG')
        .description('say which versions an environment runs'),
    ),
  )
    .option('--retry <service>', 'let hosts try its version again that gave it up', collect, [])
    .option('--platform <platform>', 'the image has to be there for it, like linux/amd64', collect, [])
    .option('--archive', 'put the image beside the manifest, for hosts that cannot reach its registry')
    .addHelpText('after', HELP)
    .action((environment: string, versions: readonly string[], flags: Flags) =>
      cli.run((signal) => neverGreen(runPublish(cli, environment, versions, flags, signal), signal), {
        json: flags.json,
      }),
    );
};
