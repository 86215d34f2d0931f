import type { Service } from '../../core/compose/project-model.ts';
import { toAgentError } from '../../core/errors.ts';
import { mirrorsOf, type Mirror } from '../../core/image/mirror.ts';
import { formatImage, tryParseImage, type ImageReference } from '../../core/image/reference.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { ReleaseImage } from '../../core/state/release.ts';
import { guarded, hint, ok, type Check } from './check.ts';
import type { Wired } from '../wiring/wire-agent.ts';

/**
 * The image of the compose file or the manifest. Undefined if no version is published, or if no registry is
 * asked.
 */
const publishedImage = (service: Service, manifest: Manifest | undefined): ImageReference | undefined => {
  const declared = tryParseImage(service.image);
  if (!declared || service.pullPolicy === 'never') return undefined;
  if (declared.tag !== undefined || declared.digest !== undefined) return declared;
  return manifest?.services[service.versionFrom ?? service.name]?.image;
};

const imageToAsk = (reference: ImageReference, digest: ReleaseImage['digest']): ReleaseImage => ({
  reference: { ...reference, digest: undefined },
  digest,
  imageId: undefined,
  pullPolicy: 'always',
  platform: undefined,
});

/**
 * Asks by digest alone, as a pull does. A missing image is only a hint, because a pull goes on to the next
 * source.
 */
const checkMirror = async (
  { ports, credentials }: Wired,
  service: string,
  { reference, url }: { readonly reference: ImageReference; readonly url: string },
  signal: AbortSignal,
): Promise<Check> => {
  const name = `mirror (${service})`;
  try {
    await ports.engine.resolveTag(imageToAsk(reference, reference.digest), signal);
    const login = await credentials.for(reference.repository, signal);
    return ok(name, `${url} has it, ${login ? 'with' : 'without'} a login`);
  } catch (thrown) {
    const { message } = toAgentError(thrown);
    return hint(
      name,
      `${url}: ${message}`,
      'a pull skips this mirror and asks the next one, or the registry',
    );
  }
};

/** Asks the registry of each service, and its mirrors, for the service's image, with this host's logins. */
export const checkRegistries = async (
  wired: Wired,
  mirrors: readonly Mirror[],
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const { agent, ports, credentials } = wired;
  const { project, manifest } = agent.intake.state();
  const checks = Object.values(project?.services ?? {}).map(async (service) => {
    const reference = publishedImage(service, manifest);
    if (!reference) return [];
    const registry = guarded(`registry (${service.name})`, async () => {
      const login = await credentials.for(reference.repository, signal);
      const image = imageToAsk(reference, undefined);
      if (reference.tag !== undefined) await ports.engine.resolveTag(image, signal);
      const how = `${login ? 'with' : 'without'} a login`;
      return [ok(`registry (${service.name})`, `${formatImage(image.reference)} is there, ${how}`)];
    });
    const others = reference.digest === undefined ? [] : mirrorsOf(mirrors, reference.repository);
    const mirrored = others.map(async ({ url, repository }) =>
      checkMirror(wired, service.name, { reference: { ...reference, repository }, url }, signal),
    );
    return [...(await registry), ...(await Promise.all(mirrored))];
  });
  return (await Promise.all(checks)).flat();
};
