import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Status } from '../../src/core/status/status-document.ts';
import { runCommand, type Service, startService } from './command.ts';
import type { FleetHub } from './fleet-hub.ts';
import {
  type CliResult,
  cliResult,
  createTestHost,
  type HostOptions,
  supercargo,
  type TestHost,
} from './host.ts';
import { eventually } from './poll.ts';

/** The build server: a key, a token, and the command line. */
export interface Publisher {
  readonly folder: string;
  readonly keyFile: string;
  /** The trust.json that keygen wrote. */
  readonly trust: string;
  /** Any command, with SUPERCARGO_STORE and the token in the environment. */
  readonly run: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<CliResult>;
  /** The same in the background. Its output goes to `logFile`. */
  readonly start: (
    args: readonly string[],
    logFile: string,
    env?: Readonly<Record<string, string>>,
  ) => Service;
  /** `publish ENV …` with the key. */
  readonly publish: (environment: string, ...args: readonly string[]) => Promise<CliResult>;
  readonly remove: () => Promise<void>;
}

/** A rollout over several hosts of a busy machine takes minutes. */
const LIMIT_MS = 300_000;

export const createPublisher = async (
  { url, publishToken }: Pick<FleetHub, 'url' | 'publishToken'>,
  program = supercargo,
): Promise<Publisher> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-publisher-'));
  await mkdir(join(folder, 'docker'));
  await writeFile(join(folder, 'docker', 'config.json'), '{}');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    DOCKER_CONFIG: join(folder, 'docker'),
    SUPERCARGO_STORE: url,
    SUPERCARGO_PUBLISH_TOKEN: publishToken,
    NO_COLOR: '1',
  };
  const run: Publisher['run'] = async (args, more = {}) =>
    cliResult(
      await runCommand(program, args, { env: { ...env, ...more }, cwd: folder, timeoutMs: LIMIT_MS }),
    );
  const made = await run(['keygen', 'jenkins', '--out', folder]);
  if (made.code !== 0) throw new Error(`keygen ended with ${String(made.code)}:\n${made.stderr}`);
  const keyFile = join(folder, 'jenkins.key');
  return {
    folder,
    keyFile,
    trust: await readFile(join(folder, 'trust.json'), 'utf8'),
    run,
    start: (args, logFile, more = {}) => startService(program, args, { env: { ...env, ...more }, logFile }),
    publish: async (environment, ...args) => run(['publish', environment, ...args, '--key', keyFile]),
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
};

export interface FleetHostOptions extends HostOptions {
  readonly name: string;
  readonly environment: string;
  readonly hub: FleetHub;
  /** Whose signatures count. */
  readonly trust: string;
  /** Reads its manifest from a file of its own instead, and still reports to the hub. */
  readonly followsFile?: boolean;
}

/** A host that trusts some keys, follows the hub and reports to it; its agent is not started yet. */
export const createFleetHost = async ({
  name,
  hub,
  trust,
  followsFile = false,
  ...options
}: FleetHostOptions): Promise<TestHost> => {
  const { environment } = options;
  const env = {
    SUPERCARGO_HOST: name,
    SUPERCARGO_ALLOW_UNSIGNED: 'false',
    ...(followsFile ? {} : { SUPERCARGO_MANIFEST_URL: `${hub.url}/manifests/${environment}.json` }),
    SUPERCARGO_REPORT_URL: hub.url,
    SUPERCARGO_REPORT_TOKEN: await hub.tokenOf(environment, name),
    ...options.env,
  };
  const host = await createTestHost({ ...options, env });
  await writeFile(host.trustFile, trust);
  return host;
};

/** Waits until the hub has a report of every host for which this is true. */
export const untilReported = async (
  hub: FleetHub,
  environment: string,
  hosts: readonly string[],
  isSo: (status: Status) => boolean = () => true,
): Promise<void> => {
  const matching = async (): Promise<boolean> => {
    const reports = await hub.reports(environment);
    return hosts.every((host) => reports[host] !== undefined && isSo(reports[host]));
  };
  await eventually(matching, {
    deadlineMs: 30_000,
    describe: async () =>
      `${hosts.join(', ')} report what is expected: ${JSON.stringify(await hub.reports(environment))}`,
  });
};
