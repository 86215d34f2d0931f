import type Dockerode from 'dockerode';
import { AgentError } from '../../core/errors.ts';
import { orAborted } from '../../core/or-aborted.ts';
import { formatImage, isDigest } from '../../core/image/reference.ts';
import type { TagMeaning } from '../../core/ports/engine.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import type { ReleaseImage } from '../../core/state/release.ts';
import type { Clients } from './connect.ts';
import { toRegistryError } from './engine-error.ts';
import { inspectImage, nameAt } from './local-image.ts';

/** An engine gives up on a silent registry after 15 to 30 s, sometimes twice, and then answers. */
const ANSWER_LIMIT_MS = 90_000;

/**
 * Asks the registry which digest a tag means, or whether it has a digest: through the engine, which has the
 * certificates and settings. If the registry is unreachable or the pull policy forbids the request, a local
 * image of that name decides.
 * @throws AgentError REGISTRY, REGISTRY_AUTH, CREDENTIALS, IMAGE_NOT_FOUND or ENGINE_OFFLINE
 */
export const resolveTag = async (
  { docker, reader }: Clients,
  credentials: RegistryCredentials,
  image: ReleaseImage,
  signal: AbortSignal,
  answerLimitMs = ANSWER_LIMIT_MS,
): Promise<TagMeaning> => {
  const { repository, tag } = image.reference;
  const name = nameAt(repository, { tag, digest: image.digest });
  if (image.pullPolicy === 'never') {
    const local = await localMeaning(reader, image, name, signal);
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
    return await askRegistry(docker, credentials, image, name, { signal, answerLimitMs });
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'REGISTRY') throw error;
    const local = await localMeaning(reader, image, name, signal);
    if (local) return local;
    throw error;
  }
};

const askRegistry = async (
  docker: Dockerode,
  credentials: RegistryCredentials,
  image: ReleaseImage,
  name: string,
  { signal, answerLimitMs }: { readonly signal: AbortSignal; readonly answerLimitMs: number },
): Promise<TagMeaning> => {
  const auth = await credentials.for(image.reference.repository, signal);
  const what = `cannot find out what ${formatImage(image.reference)} is`;
  const limit = AbortSignal.timeout(answerLimitMs);
  let answer: unknown;
  try {
    const asked: Promise<unknown> = docker.getImage(name).distribution({ authconfig: auth });
    // dockerode cannot abort this call, so it goes on unobserved.
    answer = await orAborted(asked, AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    // A silent registry makes the engine wait; the next observation notices a silent engine.
    if (limit.aborted) throw silent(what, answerLimitMs);
    throw toRegistryError(error, what);
  }
  const digest = (answer as { Descriptor?: { digest?: unknown } | null } | null)?.Descriptor?.digest;
  if (typeof digest === 'string' && isDigest(digest)) return { kind: 'digest', digest };
  throw new AgentError('REGISTRY', `${what}: the registry gave no SHA-256 digest`, {
    advice: 'use a registry that speaks the OCI distribution API',
  });
};

const silent = (what: string, limitMs: number): AgentError =>
  new AgentError('REGISTRY', `${what}: the registry gave no answer within ${String(limitMs / 1000)} s`, {
    retry: 'later',
    advice: 'look at the registry and the network between; it is tried again by itself, and what runs stays',
  });

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
