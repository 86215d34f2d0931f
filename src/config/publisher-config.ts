import { hostname } from 'node:os';
import { join } from 'node:path';
import { readSecret } from './secret.ts';

/** What the build server's commands read of their surroundings. */
export interface PublisherConfig {
  /** SUPERCARGO_STORE: where `--to` is not given. */
  readonly store: string | undefined;
  /** For writing, and where there is no other for reading. */
  readonly publishToken: string | undefined;
  readonly readToken: string | undefined;
  readonly dockerConfigDir: string;
  readonly path: string;
  readonly home: string;
  /** Who publishes, as Jenkins tells it. */
  readonly build: {
    readonly name: string;
    readonly build: string | undefined;
    readonly url: string | undefined;
  };
  readonly warnings: readonly string[];
}

const given = (env: NodeJS.ProcessEnv, name: string): string | undefined => {
  const value = env[name] ?? '';
  return value === '' ? undefined : value;
};

/** @throws AgentError CONFIG */
export const readPublisherConfig = (env: NodeJS.ProcessEnv): PublisherConfig => {
  const publish = readSecret(env, 'SUPERCARGO_PUBLISH_TOKEN');
  const read = readSecret(env, 'SUPERCARGO_READ_TOKEN');
  const home = given(env, 'HOME') ?? '/root';
  return {
    store: given(env, 'SUPERCARGO_STORE'),
    publishToken: publish.value,
    readToken: read.value,
    dockerConfigDir: given(env, 'DOCKER_CONFIG') ?? join(home, '.docker'),
    path: given(env, 'PATH') ?? '/usr/bin:/bin',
    home,
    build: {
      name: given(env, 'JOB_NAME') ?? `${given(env, 'USER') ?? 'somebody'}@${hostname()}`,
      build: given(env, 'BUILD_NUMBER'),
      url: given(env, 'BUILD_URL'),
    },
    warnings: [...publish.warnings, ...read.warnings],
  };
};
