import { hostname } from 'node:os';
import { join } from 'node:path';
import { valueIn } from './environment.ts';
import { readSecret } from './secret.ts';

/** The variables of the build server's commands and their purposes, as in docs/PUBLISHING.md. */
export const PUBLISHER_VARIABLES = {
  SUPERCARGO_STORE: 'the store, where `--to` is not given',
  SUPERCARGO_PUBLISH_TOKEN: 'for writing to the store, and for reading where there is no read token',
  SUPERCARGO_READ_TOKEN: 'for reading the store',
  DOCKER_CONFIG:
    'the folder of config.json (logins of registries) and certs.d (certificates); `$HOME/.docker` otherwise',
  HOME: 'given to credential programs',
  PATH: 'where credential programs are looked for',
  JOB_NAME: 'the name of the publisher, set by Jenkins; `USER` at this machine otherwise',
  BUILD_NUMBER: 'the number of the build',
  BUILD_URL: 'where the build is shown',
  USER: 'the name of the publisher where there is no `JOB_NAME`',
} as const;

export type PublisherConfig = ReturnType<typeof readPublisherConfig>;

/** @throws AgentError CONFIG */
export const readPublisherConfig = (env: NodeJS.ProcessEnv) => {
  const given = (name: keyof typeof PUBLISHER_VARIABLES): string | undefined => valueIn(env, name);
  const publish = readSecret(env, 'SUPERCARGO_PUBLISH_TOKEN');
  const read = readSecret(env, 'SUPERCARGO_READ_TOKEN');
  const home = given('HOME') ?? '/root';
  return {
    store: given('SUPERCARGO_STORE'),
    publishToken: publish.value,
    readToken: read.value,
    dockerConfigDir: given('DOCKER_CONFIG') ?? join(home, '.docker'),
    path: given('PATH') ?? '/usr/bin:/bin',
    home,
    build: {
      name: given('JOB_NAME') ?? `${given('USER') ?? 'somebody'}@${hostname()}`,
      build: given('BUILD_NUMBER'),
      url: given('BUILD_URL'),
    },
    warnings: [...publish.warnings, ...read.warnings],
  };
};
