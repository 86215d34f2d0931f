import type Docker from 'dockerode';
import { join } from 'node:path';
import { runCommand } from './command.ts';

export interface OracleOptions {
  readonly docker: Docker;
  readonly dockerHost: string;
  /** Holds compose.yaml or, where Compose 1.29 has other words for the same, oracle.yaml. */
  readonly folder: string;
  readonly file: string;
  readonly project: string;
  readonly isStarted: boolean;
}

const OPTIONS = ['--ansi', 'never', '--compatibility'];

const compose = async (
  { folder, file, project, dockerHost }: OracleOptions,
  words: readonly string[],
): Promise<void> => {
  // Nothing of ours: a variable here would win over the fixture's .env.
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: folder,
    DOCKER_HOST: dockerHost,
    COMPOSE_HTTP_TIMEOUT: '60',
  };
  const args = [...OPTIONS, '--file', join(folder, file), '--project-name', project, ...words];
  const { code, stdout, stderr } = await runCommand('/usr/bin/docker-compose', args, { env, cwd: folder });
  if (code !== 0)
    throw new Error(`docker-compose ${words.join(' ')}: exit code ${String(code)}\n${stdout}${stderr}`);
};

/** Brings the project up with Debian's docker-compose 1.29, takes what `look` sees of it, and takes it down again. */
export const withOracle = async <T>(
  options: OracleOptions,
  look: (containerIds: readonly string[]) => Promise<T>,
): Promise<T> => {
  try {
    await compose(options, ['up', ...(options.isStarted ? ['--detach'] : ['--no-start'])]);
    const label = [`com.docker.compose.project=${options.project}`];
    const listed = await options.docker.listContainers({ all: true, filters: { label } });
    return await look(listed.map(({ Id }) => Id));
  } finally {
    await compose(options, ['down', '--volumes', '--timeout', '0']);
  }
};
