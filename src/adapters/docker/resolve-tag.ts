import type Dockerode from 'dockerode';
import { AgentError } from '../../core/errors.ts';
import { familiarName, formatImage, isDigest } from '../../core/image/reference.ts';
import type { TagMeaning } from '../../core/ports/engine.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import type { ReleaseImage } from '../../core/state/release.ts';
import { toRegistryError } from './engine-error.ts';
import { inspectImage } from './pull.ts';

/**
 * Asks the registry (through the engine, which has its certificates and settings) which digest a tag means. Where the
 * registry is away, or the policy forbids to ask, an image that is here under that very name will do.
 */
export const resolveTag = async (
  docker: Dockerode,
  credentials: RegistryCredentials,
  image: ReleaseImage,
  signal: AbortSignal,
): Promise<TagMeaning> => {
  const name = `${familiarName(image.reference.repository)}:${image.reference.tag ?? 'latest'}`;
  if (image.pullPolicy === 'never') {
    const local = await localMeaning(docker, image, name, signal);
    if (local) return local;
    throw new AgentError(
      'IMAGE_NOT_FOUND',
      `${name} is not on this host, and pull_policy: never forbids to ask the registry`,
      {
        advice: 'load the image here (docker load), or change pull_policy',
      },
    );
  }
  try {
    return await askRegistry(docker, credentials, image, name, signal);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'REGISTRY') throw error;
    const local = await localMeaning(docker, image, name, signal);
    if (local) return local;
    throw error;
  }
};

const askRegistry = async (
  docker: Dockerode,
  credentials: RegistryCredentials,
  image: ReleaseImage,
  name: string,
  signal: AbortSignal,
): Promise<TagMeaning> => {
  const auth = await credentials.for(image.reference.repository, signal);
  const what = `cannot find out what ${formatImage(image.reference)} is`;
  const answer: unknown = await docker
    .getImage(name)
    .distribution({ authconfig: auth })
    .catch((error: unknown) => {
      throw toRegistryError(error, what);
    });
  const digest = (answer as { Descriptor?: { digest?: string } }).Descriptor?.digest ?? '';
  if (isDigest(digest)) return { kind: 'digest', digest };
  throw new AgentError('REGISTRY', `${what}: the registry gave no SHA-256 digest`, {
    advice: 'use a registry that speaks the OCI distribution API',
  });
};

const localMeaning = async (
  docker: Dockerode,
  image: ReleaseImage,
  name: string,
  signal: AbortSignal,
): Promise<TagMeaning | undefined> => {
  const local = await inspectImage(docker, name, signal);
  if (!local) return undefined;
  const known = local.digests.find((d) => d.repository === image.reference.repository);
  return known ? { kind: 'digest', digest: known.digest } : { kind: 'local', imageId: local.id };
};
