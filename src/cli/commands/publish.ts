import { AgentError } from '../../core/errors.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import { retried, resolvedService, type Services } from '../../core/publish/draft.ts';
import { imageFor, parseVersionRequests } from '../../core/publish/version-request.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { Call } from '../call.ts';
import { createArchiving } from '../publishing/archiving.ts';
import { neverGreen } from '../publishing/interrupted.ts';
import { type PublishFlags } from '../publishing/options.ts';
import { openSession, publishAndPrint } from '../publishing/publish-session.ts';
import { openRegistry } from '../publishing/open-store.ts';
import { missingPart } from '../../core/image/missing-part.ts';
import { formatImage } from '../../core/image/reference.ts';

interface Flags extends PublishFlags {
  readonly retry: readonly string[];
  readonly platform: readonly string[];
  readonly archive?: boolean;
}

const publish = async (
  { io, signal }: Call,
  environment: string,
  versions: readonly string[],
  flags: Flags,
): Promise<ExitCode> => {
  if (versions.length === 0 && flags.retry.length === 0)
    throw new AgentError('USAGE', 'nothing to publish', {
      advice: 'name at least one version, like web=1.2.3, or --retry SERVICE',
    });
  const requests = parseVersionRequests(versions);
  const s = await openSession(io, environment, flags);
  const registry = openRegistry(s.config);
  const archiving = flags.archive === true ? createArchiving(s, registry, flags.platform) : undefined;
  /** By service, because a lost race looks all images up again. */
  const remarks = new Map<string, readonly string[]>();
  const services = async (before: Manifest | undefined, stop: AbortSignal): Promise<Services> => {
    const found = await Promise.all(
      requests.map(async (request) => {
        const image = imageFor(request, before);
        const published = await registry.lookUp(image, stop);
        const missing = Object.entries(published.missing ?? {});
        const parts = missing.map(([platform, digest]) => missingPart(image, platform, digest));
        const demanded = missing.findIndex(([platform]) => flags.platform.includes(platform));
        if (parts[demanded]) throw parts[demanded];
        const absent = flags.platform.find((p) => published.imageIds[p] === undefined);
        if (absent !== undefined)
          throw new AgentError('IMAGE_NOT_FOUND', `${formatImage(image)} has no image for ${absent}`, {
            advice:
              `it exists for ${Object.keys(published.imageIds).join(', ')}: ` +
              "build it for the hosts' platform, or correct --platform",
          });
        const { service } = request;
        remarks.set(
          service,
          parts.map(({ message, advice = '' }) => `${service}: ${message}; ${advice}`),
        );
        const version = resolvedService(image, published, before?.services[service]);
        return [service, archiving ? await archiving.archive(service, version, stop) : version] as const;
      }),
    );
    return retried({ ...before?.services, ...Object.fromEntries(found) }, flags.retry);
  };
  const named = requests.map(({ service }) => service);
  const remarksOf = (): readonly string[] => [...remarks.values()].flat();
  return publishAndPrint(s, { services, named, remarksOf }, signal, async () => archiving?.sweep(signal));
};

export const run = neverGreen(publish);
