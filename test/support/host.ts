import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { type Agent, startAgent } from './agent.ts';
import { type CommandResult, runCommand } from './command.ts';
import { removeEnvironment } from './leftovers.ts';
import type { Credentials } from './registry.ts';

export const supercargo = join(import.meta.dirname, '..', '..', 'bin', 'supercargo');

export interface CliResult extends CommandResult {
  /** Standard output as JSON. @throws with both outputs when it is none. */
  readonly json: () => unknown;
}

/** An image reference, or a whole entry of the manifest. */
export type ServiceVersion = string | { readonly image: string; readonly [key: string]: unknown };

export interface TestHost {
  /** Unique on the engine. */
  readonly environment: string;
  readonly folder: string;
  readonly composeFile: string;
  readonly manifestFile: string;
  /** Absent unless a test writes it (and replaces SUPERCARGO_ALLOW_UNSIGNED). */
  readonly trustFile: string;
  readonly stateDir: string;
  readonly socket: string;
  readonly docker: Docker;
  /** All that the CLI sees of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes compose.yaml, or another file of the compose folder such as `compose.d/web.yaml`. */
  readonly compose: (text: string, name?: string) => Promise<void>;
  /** Publishes a bare manifest whose serial is one higher than the last, unless `extra` names one. Resolves with the serial. */
  readonly publish: (
    services: Readonly<Record<string, ServiceVersion>>,
    extra?: Readonly<Record<string, unknown>>,
  ) => Promise<number>;
  /** Any bytes as the manifest: truncated, empty, signed elsewhere. By rename, as a publisher does. */
  readonly writeManifest: (bytes: string | Uint8Array) => Promise<void>;
  /** Writes DOCKER_CONFIG/config.json with these credentials for the registries. */
  readonly login: (credentials: Readonly<Record<string, Credentials>>) => Promise<void>;
  /** Runs bin/supercargo to its end. */
  readonly run: (
    args: readonly string[],
    options?: { env?: Readonly<Record<string, string>>; timeoutMs?: number },
  ) => Promise<CliResult>;
  /** Starts `supercargo run`; resolves when `supercargo status` reaches it, or at once with `isReady: false`. */
  readonly agent: (options?: { env?: Readonly<Record<string, string>>; isReady?: boolean }) => Promise<Agent>;
  /** Ends its agents; removes its containers, networks, volumes and tags from the engine, and its folder. */
  readonly cleanup: () => Promise<void>;
}

export interface HostOptions {
  readonly dockerHost: string;
  readonly docker: Docker;
  /** More variables, and ones that replace the host's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly environment?: string;
  /** An existing folder; a temporary one unless given. */
  readonly folder?: string;
  /** Its agents go on after we end. */
  readonly survives?: boolean;
  /** Instead of bin/supercargo. */
  readonly program?: string;
  /** A program in front of it, such as one that enters another machine's network. */
  readonly launcher?: string;
}

export const cliResult = (result: CommandResult): CliResult => ({
  ...result,
  json: () => {
    try {
      return JSON.parse(result.stdout) as unknown;
    } catch (cause) {
      const { code, stdout, stderr } = result;
      throw new Error(`no JSON (exit code ${String(code)}):\n${stdout}\n${stderr}`, { cause });
    }
  },
});

const environmentVariables = (
  folder: string,
  environment: string,
  dockerHost: string,
): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: folder,
  DOCKER_HOST: dockerHost,
  DOCKER_CONFIG: join(folder, 'docker'),
  SUPERCARGO_ENVIRONMENT: environment,
  SUPERCARGO_MANIFEST_URL: `file://${join(folder, 'manifest.json')}`,
  SUPERCARGO_COMPOSE: join(folder, 'compose'),
  SUPERCARGO_ALLOW_UNSIGNED: 'true',
  // Not there: a machine's own /etc/supercargo/trust.json must not matter.
  SUPERCARGO_TRUST: join(folder, 'trust.json'),
  SUPERCARGO_STATE_DIR: join(folder, 'state'),
  SUPERCARGO_SOCKET: join(folder, 'agent.sock'),
  SUPERCARGO_HOST: 'test-host',
  SUPERCARGO_POLL: '* * * * * *',
  SUPERCARGO_LOG_LEVEL: 'debug',
});

const encode = ({ username, password }: Credentials): object => ({
  auth: Buffer.from(`${username}:${password}`).toString('base64'),
});

const dockerAuths = (credentials: Readonly<Record<string, Credentials>>): string => {
  const auths = Object.entries(credentials).map(([registry, pair]) => [registry, encode(pair)]);
  return JSON.stringify({ auths: Object.fromEntries(auths) as unknown });
};

/** By rename: nobody reads half a file. */
const replaceFile = async (path: string, content: string | Uint8Array): Promise<void> => {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
};

const manifestText = (
  environment: string,
  serial: number,
  services: Readonly<Record<string, ServiceVersion>>,
  extra: Readonly<Record<string, unknown>>,
): string => {
  const entry = (version: ServiceVersion): object =>
    typeof version === 'string' ? { image: version } : version;
  const entries = Object.entries(services).map(([name, version]) => [name, entry(version)]);
  return JSON.stringify({
    apiVersion: 'supercargo/v1',
    environment,
    serial,
    issuedAt: new Date().toISOString(),
    services: Object.fromEntries(entries) as unknown,
    ...extra,
  });
};

/** A host of its own on a shared engine: compose file, manifest, state and socket in one folder. */
export const createTestHost = async (options: HostOptions): Promise<TestHost> => {
  const environment = options.environment ?? `t${randomBytes(4).toString('hex')}`;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'supercargo-host-')));
  for (const name of ['compose/compose.d', 'state', 'docker'])
    await mkdir(join(folder, name), { recursive: true });
  const env = { ...environmentVariables(folder, environment, options.dockerHost), ...options.env };
  const manifestFile = join(folder, 'manifest.json');
  const writeManifest: TestHost['writeManifest'] = async (bytes) => replaceFile(manifestFile, bytes);
  const own = options.program ?? supercargo;
  const program = options.launcher === undefined ? ([own] as const) : ([options.launcher, own] as const);
  const [file, ...front] = program;
  const run: TestHost['run'] = async (args, { env: more = {}, timeoutMs = 90_000 } = {}) =>
    cliResult(
      await runCommand(file, [...front, ...args], { env: { ...env, ...more }, cwd: folder, timeoutMs }),
    );
  const agents: Agent[] = [];
  let lastSerial = 0;
  return {
    environment,
    folder,
    composeFile: join(folder, 'compose', 'compose.yaml'),
    manifestFile,
    trustFile: join(folder, 'trust.json'),
    stateDir: join(folder, 'state'),
    socket: join(folder, 'agent.sock'),
    docker: options.docker,
    env,
    compose: async (text, name = 'compose.yaml') => replaceFile(join(folder, 'compose', name), text),
    publish: async (services, extra = {}) => {
      const { serial = lastSerial + 1, ...others } = extra;
      lastSerial = Number(serial);
      await writeManifest(manifestText(environment, lastSerial, services, others));
      return lastSerial;
    },
    writeManifest,
    login: async (credentials) => writeFile(join(folder, 'docker', 'config.json'), dockerAuths(credentials)),
    run,
    agent: async ({ env: more = {}, isReady = true } = {}) => {
      const logFile = join(folder, `agent-${String(agents.length + 1)}.log`);
      const survives = options.survives === true;
      const agent = startAgent({ program, env: { ...env, ...more }, logFile, survives });
      agents.push(agent);
      if (isReady) await agent.ready(async () => (await run(['status', '--json'])).code);
      return agent;
    },
    cleanup: async () => {
      await Promise.all(agents.map(async (agent) => agent.kill()));
      await removeEnvironment(options.docker, environment);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
