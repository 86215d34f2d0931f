import { hostname, userInfo } from 'node:os';
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
  JOB_NAME: 'the name of the publisher, set by Jenkins',
  BUILD_NUMBER: 'the number of the build, set by Jenkins',
  BUILD_URL: 'where the build is shown, set by Jenkins',
  CI_PROJECT_PATH: 'the name of the publisher, set by GitLab',
  CI_PIPELINE_IID: 'the number of the pipeline, set by GitLab',
  CI_PIPELINE_URL: 'where the pipeline is shown, set by GitLab',
  GITHUB_REPOSITORY: 'the name of the publisher, set by GitHub',
  GITHUB_RUN_NUMBER: 'the number of the run, set by GitHub',
  GITHUB_RUN_ID: 'part of the address where the run is shown, set by GitHub',
  GITHUB_SERVER_URL: 'part of that address, set by GitHub',
  USER: 'the name of the publisher, at this machine, where no build server sets one',
  BUILD_USER: 'the person who gives a `rollout` command in a build, set by Jenkins (build user vars)',
  SUDO_USER: 'the person who gives a `rollout` command at this machine, set by sudo',
  SUPERCARGO_SIGNING_KEY: 'the private key (PEM) that signs, where `--key` is not given',
} as const;

const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
};

export type PublisherConfig = ReturnType<typeof readPublisherConfig>;

/** @throws AgentError CONFIG */
export const readPublisherConfig = (env: NodeJS.ProcessEnv) => {
  const given = (name: keyof typeof PUBLISHER_VARIABLES): string | undefined => valueIn(env, name);
  const publish = readSecret(env, 'SUPERCARGO_PUBLISH_TOKEN');
  const read = readSecret(env, 'SUPERCARGO_READ_TOKEN');
  const home = given('HOME') ?? '/root';
  const [server, repository, run] = [
    given('GITHUB_SERVER_URL'),
    given('GITHUB_REPOSITORY'),
    given('GITHUB_RUN_ID'),
  ];
  const githubUrl = server && repository && run && `${server}/${repository}/actions/runs/${run}`;
  const buildName = given('JOB_NAME') ?? given('CI_PROJECT_PATH') ?? repository;
  const build = given('BUILD_NUMBER') ?? given('CI_PIPELINE_IID') ?? given('GITHUB_RUN_NUMBER');
  const user = given('USER') ?? userName();
  return {
    store: given('SUPERCARGO_STORE'),
    publishToken: publish.value,
    readToken: read.value,
    dockerConfigDir: given('DOCKER_CONFIG') ?? join(home, '.docker'),
    path: given('PATH') ?? '/usr/bin:/bin',
    home,
    signingKey: given('SUPERCARGO_SIGNING_KEY'),
    build: {
      name: buildName ?? `${user}@${hostname()}`,
      build,
      url: given('BUILD_URL') ?? given('CI_PIPELINE_URL') ?? githubUrl,
    },
    /** The person or the build that gives a command; a claim, because its token is shared. */
    caller:
      given('BUILD_USER') ??
      (buildName === undefined
        ? `${given('SUDO_USER') ?? user}@${hostname()}`
        : [buildName, build].filter((part) => part !== undefined).join(' ')),
    warnings: [...publish.warnings, ...read.warnings],
  };
};
