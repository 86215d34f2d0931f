import { join } from 'node:path';
import { VARIABLE_ENTRIES, VARIABLES, type AgentValues } from './agent-variables.ts';
import { clientCertificateProblem, reportTokenProblem, trustProblem, warningsOf } from './config-checks.ts';
import { stateDirOf } from './paths.ts';
import { valueIn } from './environment.ts';
import { readVariables, refusal, type ConfigProblem } from './read-variables.ts';
import { reportOf } from './report-config.ts';
import type { Surroundings } from './host-facts.ts';
import { credentialsOf } from './systemd-credentials.ts';

type Variables = typeof VARIABLES;
type MemberOf<V> = V extends { readonly as: infer A extends string } ? A : never;
type AsRead = { readonly [N in keyof Variables as MemberOf<Variables[N]>]: AgentValues[N] };

/** The agent's configuration. All paths are absolute. */
export interface Config extends AsRead, ReturnType<typeof derivedFrom> {}

const positive = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

/** The members of Config that are not the unchanged value of one variable. */
const derivedFrom = (
  values: AgentValues,
  surroundings: Surroundings,
  trustFile: string | undefined,
  warnings: readonly string[],
) => {
  const host = values.SUPERCARGO_HOST ?? surroundings.hostname;
  const home = values.HOME ?? surroundings.home;
  const credentials = credentialsOf(values, surroundings);
  const dockerConfigDir = values.DOCKER_CONFIG ?? credentials.dockerConfigDir ?? join(home, '.docker');
  const [certFile, keyFile] = [values.SUPERCARGO_CLIENT_CERT, values.SUPERCARGO_CLIENT_KEY];
  const hasTls = values.DOCKER_HOST.kind === 'tcp' && values.DOCKER_TLS_VERIFY !== undefined;
  return {
    manifestCredentialsFile: values.SUPERCARGO_MANIFEST_CREDENTIALS ?? credentials.manifestCredentialsFile,
    clientCertificate:
      certFile === undefined || keyFile === undefined ? undefined : Object.freeze({ certFile, keyFile }),
    /** Undefined if there is no trust file and unsigned manifests are accepted. */
    trustFile,
    host,
    stateDir: stateDirOf(values),
    report: reportOf(values, host, credentials.reportTokenFile),
    log: Object.freeze({
      level: values.SUPERCARGO_LOG_LEVEL,
      format: values.SUPERCARGO_LOG_FORMAT ?? (surroundings.isTerminal ? 'pretty' : 'json'),
    }),
    engine: Object.freeze({
      address: Object.freeze(values.DOCKER_HOST),
      /** The folder of ca.pem, cert.pem and key.pem; undefined without TLS. */
      tlsFolder: hasTls ? (values.DOCKER_CERT_PATH ?? dockerConfigDir) : undefined,
    }),
    dockerConfigDir,
    home,
    systemd: Object.freeze({
      notifySocket: values.NOTIFY_SOCKET,
      watchdogUsec: positive(values.WATCHDOG_USEC),
      watchdogPid: positive(values.WATCHDOG_PID),
    }),
    /** For the log and `doctor`. */
    warnings: Object.freeze(warnings),
  } as const;
};

const asRead = (values: AgentValues): AsRead => {
  const members = VARIABLE_ENTRIES.flatMap(([name, { as }]) =>
    as === undefined ? [] : [[as, Object.freeze(values[name as keyof AgentValues])]],
  );
  return Object.fromEntries(members) as AsRead;
};

/** Lists every wrong variable, its problem and what to write, or gives the configuration. */
export const checkConfig = (
  env: NodeJS.ProcessEnv,
  surroundings: Surroundings,
):
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'problems'; readonly problems: readonly ConfigProblem[]; readonly advice: string } => {
  const { values, problems: invalid } = readVariables(env, VARIABLES);
  const broken = new Set(invalid.map(({ variable }) => variable));
  const hasTrust = !broken.has('SUPERCARGO_TRUST') && surroundings.fileExists(values.SUPERCARGO_TRUST);
  const problems = [
    ...invalid,
    ...trustProblem(values, hasTrust),
    ...clientCertificateProblem(values, broken),
    ...reportTokenProblem(values),
  ];
  if (problems.length > 0)
    return { kind: 'problems', problems, advice: surroundings.adviceOn(values.SUPERCARGO_INSTANCE) };
  const trustFile = hasTrust ? values.SUPERCARGO_TRUST : undefined;
  const warnings = warningsOf(env, values, hasTrust);
  const derived = derivedFrom(values, surroundings, trustFile, warnings);
  return { kind: 'config', config: Object.freeze({ ...asRead(values), ...derived }) };
};

/**
 * @throws AgentError CONFIG that lists every wrong variable, its problem and what to write, or that says who
 * may read the file that has them
 */
export const readConfig = (env: NodeJS.ProcessEnv, surroundings: Surroundings): Config => {
  const checked = checkConfig(env, surroundings);
  if (checked.kind === 'config') return checked.config;
  const denied = surroundings.denied(valueIn(env, 'SUPERCARGO_INSTANCE'));
  throw denied ?? refusal(checked.problems, checked.advice);
};
