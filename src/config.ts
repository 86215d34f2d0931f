import { join } from 'node:path';
import { customCleanEnv, EnvMissingError, type CleanedEnv } from 'envalid';
import {
  clientCertificateProblem,
  reportTokenProblem,
  trustProblem,
  variableNamed,
  warningsOf,
  type AgentValues,
  type ConfigProblem,
} from './config/config-checks.ts';
import { credentialsOf } from './config/systemd-credentials.ts';
import { reportOf, type ReportConfig } from './config/report-config.ts';
import { AGENT_SPECS, DOCUMENT_SPECS, PATH_SPECS } from './config/specs.ts';
import { correctFile, type Surroundings } from './config/surroundings.ts';
import type { EngineAddress, LogFormat, LogLevel } from './config/validators.ts';
import type { EdgeMode } from './core/edge/edge-config.ts';
import type { Mirror } from './core/image/mirror.ts';
import type { ImageReference } from './core/image/reference.ts';
import { AgentError } from './core/errors.ts';
import type { DeployWindow } from './core/window/deploy-window.ts';

/** Everything that the agent is told from outside. All paths are absolute. */
export interface Config extends Paths {
  readonly environment: string;
  readonly manifestUrl: string;
  readonly manifestCredentialsFile: string | undefined;
  readonly caFile: string | undefined;
  readonly clientCertificate: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly composePath: string;
  /** Undefined: there is none, and unsigned manifests are accepted. */
  readonly trustFile: string | undefined;
  readonly host: string;
  readonly pollCron: string;
  readonly keepReleases: number;
  /** None: always open. */
  readonly windows: readonly DeployWindow[];
  readonly report: ReportConfig | undefined;
  readonly metricsFile: string | undefined;
  readonly edge: { readonly image: ImageReference; readonly mode: EdgeMode };
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly engine: {
    readonly address: EngineAddress;
    /** The folder of ca.pem, cert.pem and key.pem; undefined: no TLS. */
    readonly tlsFolder: string | undefined;
  };
  readonly dockerConfigDir: string;
  /** In the order to try. */
  readonly mirrors: readonly Mirror[];
  /** Images from archives, where their registry is away. */
  readonly takesArchives: boolean;
  readonly home: string;
  readonly path: string;
  readonly systemd: {
    readonly notifySocket: string | undefined;
    readonly watchdogUsec: number | undefined;
    readonly watchdogPid: number | undefined;
  };
  /** What is odd but no error: for the log and for `doctor`. */
  readonly warnings: readonly string[];
}

/** What `status`, `pause`, `resume`, `sync`, `retry` and `history` need. */
export interface Paths {
  readonly environment: string | undefined;
  readonly stateDir: string;
  readonly socketPath: string;
}

/** What `validate` needs. The trust file may be missing. */
export interface DocumentPaths {
  readonly environment: string | undefined;
  readonly composePath: string;
  readonly trustFile: string;
}

const problemOf = (name: string, error: Error): ConfigProblem => {
  const variable = variableNamed(name);
  const wrong = error instanceof EnvMissingError ? 'is not set' : error.message;
  const remedy =
    variable === undefined ? '' : `; write ${variable.unit}, for example ${name}=${variable.example}`;
  return { variable: name, message: `${wrong}${remedy}` };
};

/**
 * An empty value counts as not set, as `NAME=` in an environment file is meant.
 * The members of `values` whose names are among the problems are undefined, whatever their type says.
 */
const clean = <S>(
  env: NodeJS.ProcessEnv,
  specs: S,
): { values: CleanedEnv<S>; problems: readonly ConfigProblem[] } => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => (value ?? '') !== ''));
  const problems: ConfigProblem[] = [];
  const { values } = customCleanEnv(given, specs, (cleaned) => ({ values: cleaned }), {
    reporter: ({ errors }) => {
      for (const [name, error] of Object.entries<Error | undefined>(errors)) {
        if (error !== undefined) problems.push(problemOf(name, error));
      }
    },
  });
  return { values, problems };
};

const refuse = (problems: readonly ConfigProblem[], advice = correctFile(undefined)): void => {
  if (problems.length === 0) return;
  const lines = problems.map(({ variable, message }) => `\n  ${variable} ${message}`);
  throw new AgentError(
    'CONFIG',
    `the configuration has ${problems.length === 1 ? 'a problem' : 'problems'}:${lines.join('')}`,
    {
      advice,
      fields: { variables: problems.map(({ variable }) => variable).join(' ') },
    },
  );
};

const positive = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

const stateDirOf = (values: CleanedEnv<typeof PATH_SPECS>): string =>
  values.SUPERCARGO_STATE_DIR ?? values.STATE_DIRECTORY ?? '/var/lib/supercargo';

const toConfig = (
  values: AgentValues,
  surroundings: Surroundings,
  trustFile: string | undefined,
  warnings: string[],
): Config => {
  const host = values.SUPERCARGO_HOST ?? surroundings.hostname;
  const home = values.HOME ?? surroundings.home;
  const credentials = credentialsOf(values, surroundings);
  const dockerConfigDir = values.DOCKER_CONFIG ?? credentials.dockerConfigDir ?? join(home, '.docker');
  const [certFile, keyFile] = [values.SUPERCARGO_CLIENT_CERT, values.SUPERCARGO_CLIENT_KEY];
  const hasTls = values.DOCKER_HOST.kind === 'tcp' && values.DOCKER_TLS_VERIFY !== undefined;
  return Object.freeze({
    environment: values.SUPERCARGO_ENVIRONMENT,
    manifestUrl: values.SUPERCARGO_MANIFEST_URL,
    manifestCredentialsFile: values.SUPERCARGO_MANIFEST_CREDENTIALS ?? credentials.manifestCredentialsFile,
    caFile: values.SUPERCARGO_CA,
    clientCertificate:
      certFile === undefined || keyFile === undefined ? undefined : Object.freeze({ certFile, keyFile }),
    composePath: values.SUPERCARGO_COMPOSE,
    trustFile,
    host,
    pollCron: values.SUPERCARGO_POLL,
    stateDir: stateDirOf(values),
    socketPath: values.SUPERCARGO_SOCKET,
    keepReleases: values.SUPERCARGO_KEEP_RELEASES,
    windows: Object.freeze(values.SUPERCARGO_WINDOW),
    report: reportOf(values, host, credentials.reportTokenFile),
    metricsFile: values.SUPERCARGO_METRICS_FILE,
    edge: Object.freeze({ image: values.SUPERCARGO_EDGE_IMAGE, mode: values.SUPERCARGO_EDGE_MODE }),
    log: Object.freeze({
      level: values.SUPERCARGO_LOG_LEVEL,
      format: values.SUPERCARGO_LOG_FORMAT ?? (surroundings.isTerminal ? 'pretty' : 'json'),
    }),
    engine: Object.freeze({
      address: Object.freeze(values.DOCKER_HOST),
      tlsFolder: hasTls ? (values.DOCKER_CERT_PATH ?? dockerConfigDir) : undefined,
    }),
    dockerConfigDir,
    mirrors: Object.freeze(values.SUPERCARGO_REGISTRY_MIRRORS),
    takesArchives: values.SUPERCARGO_ARCHIVES,
    home,
    path: values.PATH,
    systemd: Object.freeze({
      notifySocket: values.NOTIFY_SOCKET,
      watchdogUsec: positive(values.WATCHDOG_USEC),
      watchdogPid: positive(values.WATCHDOG_PID),
    }),
    warnings: Object.freeze(warnings),
  });
};

/**
 * @throws AgentError CONFIG that lists every variable that is wrong, what is wrong with it and what to write.
 */
export const readConfig = (env: NodeJS.ProcessEnv, surroundings: Surroundings): Config => {
  const { values, problems } = clean(env, AGENT_SPECS);
  const broken = new Set(problems.map(({ variable }) => variable));
  const hasTrust = !broken.has('SUPERCARGO_TRUST') && surroundings.fileExists(values.SUPERCARGO_TRUST);
  refuse(
    [
      ...problems,
      ...trustProblem(values, hasTrust),
      ...clientCertificateProblem(values, broken),
      ...reportTokenProblem(values),
    ],
    surroundings.adviceOn(values.SUPERCARGO_INSTANCE),
  );
  const trustFile = hasTrust ? values.SUPERCARGO_TRUST : undefined;
  return toConfig(values, surroundings, trustFile, warningsOf(env, values, hasTrust));
};

/**
 * For commands that talk to the running agent or read its state: an incomplete agent.env does not hinder
 * them.
 * @throws AgentError CONFIG where one of these three is set and wrong.
 */
export const readPaths = (env: NodeJS.ProcessEnv): Paths => {
  const { values, problems } = clean(env, PATH_SPECS);
  refuse(problems);
  return Object.freeze({
    environment: values.SUPERCARGO_ENVIRONMENT,
    stateDir: stateDirOf(values),
    socketPath: values.SUPERCARGO_SOCKET,
  });
};

/**
 * For commands that only check files. @throws AgentError CONFIG where one of these three is set and wrong.
 */
export const readDocumentPaths = (env: NodeJS.ProcessEnv): DocumentPaths => {
  const { values, problems } = clean(env, DOCUMENT_SPECS);
  refuse(problems);
  return Object.freeze({
    environment: values.SUPERCARGO_ENVIRONMENT,
    composePath: values.SUPERCARGO_COMPOSE,
    trustFile: values.SUPERCARGO_TRUST,
  });
};
