import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDockerEngine } from '../../src/adapters/docker/docker-engine.ts';
import { AgentError } from '../../src/core/errors.ts';
import { type ImageId, parseImage } from '../../src/core/image/reference.ts';
import type { Engine, EngineAction, PullProgress } from '../../src/core/ports/engine.ts';
import type { RegistryAuth } from '../../src/core/ports/registry-credentials.ts';
import type { Container } from '../../src/core/state/actual.ts';
import type { ReleaseImage } from '../../src/core/state/release.ts';
import { sharedDocker } from './context.ts';
import { flavours } from './flavours.ts';
import { createImagePusher } from './images.ts';
import { removeEnvironment } from './leftovers.ts';
import type { Credentials } from './registry.ts';
import { createOf, releaseOf } from './release-of.ts';
import { NO_EDGE_HOME } from './world.ts';

export const never = new AbortController().signal;

export const imageOf = (image: string, changes: Partial<ReleaseImage> = {}): ReleaseImage => {
  const reference = parseImage(image);
  return {
    reference,
    digest: reference.digest,
    imageId: undefined,
    pullPolicy: 'missing',
    platform: undefined,
    ...changes,
  };
};

/** What it rejects with. @throws when it resolves, or rejects with anything but an AgentError. */
export const failure = async (call: Promise<unknown>): Promise<AgentError> => {
  const error: unknown = await call.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof AgentError) return error;
  throw error;
};
export const codeOf = async (call: Promise<unknown>): Promise<string> => (await failure(call)).code;

/** The Docker adapter on the shared engine, with an environment of its own and no credentials unless given. */
export const createAdapterBench = () => {
  const docker = sharedDocker();
  const socketPath = inject('dockerHost').replace('unix://', '');
  const environment = `adapter${randomBytes(3).toString('hex')}`;
  const scope = { environment, replaces: [] };
  const pusher = createImagePusher();
  const image = { id: '', name: `${environment}-image:1.0.0` };
  let names = 0;
  const unique = (): string => `${environment}-${String((names += 1))}`;

  const engineWith = (credentials?: Credentials, at = socketPath): Engine => {
    const auth: RegistryAuth | undefined = credentials && { ...credentials, serveraddress: '' };
    return createDockerEngine(
      { kind: 'unix', socketPath: at },
      { credentials: { for: async () => Promise.resolve(auth) }, mirrors: [] },
      NO_EDGE_HOME,
    );
  };
  const engine = engineWith();

  const apply = async (action: EngineAction, on = engine): Promise<readonly PullProgress[]> => {
    const progress: PullProgress[] = [];
    await on.apply(action, environment, (step) => progress.push(step), never);
    return progress;
  };

  const observed = async (name: string, on = engine): Promise<Container> => {
    const { containers } = await on.observe(scope, never);
    const found = containers.find((container) => container.name === name);
    if (found) return found;
    throw new Error(`${name} is not among ${containers.map((container) => container.name).join(', ')}`);
  };

  const created = async (settings: string, imageId = image.id, on = engine): Promise<Container> => {
    const name = unique();
    await apply(createOf(releaseOf(settings), name, { imageId: imageId as ImageId }), on);
    return observed(name, on);
  };

  const started = async (settings: string, on = engine): Promise<Container> => {
    const container = await created(settings, image.id, on);
    await apply({ kind: 'start', container, release: '' }, on);
    return observed(container.name, on);
  };

  return {
    docker,
    socketPath,
    environment,
    scope,
    pusher,
    /** The image of `created`, once `prepare` has loaded it. */
    image,
    unique,
    engine,
    engineWith,
    apply,
    observed,
    /** A container of service `web` with these settings (YAML). */
    created,
    started,
    prepare: async (): Promise<void> => {
      image.id = await pusher.load(docker, [image.name], '1.0.0', flavours.web);
    },
    clean: async (): Promise<void> => removeEnvironment(docker, environment),
    end: async (): Promise<void> => {
      await docker.getImage(image.name).remove({ force: true });
    },
  };
};
