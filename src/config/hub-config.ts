import { AgentError } from '../core/errors.ts';
import { readSecret } from './secret.ts';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './validators.ts';

/** What the hub takes from its environment; everything else is said by options. */
export interface HubConfig {
  readonly publishToken: string | undefined;
  readonly reportSecret: string | undefined;
  readonly readToken: string | undefined;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly notifySocket: string | undefined;
  readonly path: string;
  readonly warnings: readonly string[];
}

const choice = <T extends string>(
  env: NodeJS.ProcessEnv,
  name: string,
  choices: readonly T[],
  preset: T,
): T => {
  const given = env[name] ?? '';
  if (given === '') return preset;
  const found = choices.find((each) => each === given);
  if (found !== undefined) return found;
  throw new AgentError('CONFIG', `${name} is "${given}"`, { advice: `write one of ${choices.join(', ')}` });
};

const MISSING = {
  publishToken: 'SUPERCARGO_PUBLISH_TOKEN is not set: nobody can publish to this hub',
  reportSecret: 'SUPERCARGO_REPORT_SECRET is not set: no host can report to this hub',
} as const;

/** @throws AgentError CONFIG */
export const readHubConfig = (env: NodeJS.ProcessEnv, isTerminal: boolean): HubConfig => {
  const publish = readSecret(env, 'SUPERCARGO_PUBLISH_TOKEN');
  const report = readSecret(env, 'SUPERCARGO_REPORT_SECRET');
  const read = readSecret(env, 'SUPERCARGO_READ_TOKEN');
  const secrets = [publish, report, read].flatMap(({ value }) => value ?? []);
  if (new Set(secrets).size !== secrets.length) {
    throw new AgentError('CONFIG', 'two of the hub’s secrets are the same', {
      advice:
        'make one each for SUPERCARGO_PUBLISH_TOKEN, SUPERCARGO_REPORT_SECRET and SUPERCARGO_READ_TOKEN: openssl rand -hex 32',
    });
  }
  return {
    publishToken: publish.value,
    reportSecret: report.value,
    readToken: read.value,
    log: {
      level: choice(env, 'SUPERCARGO_LOG_LEVEL', LOG_LEVELS, 'info'),
      format: choice(env, 'SUPERCARGO_LOG_FORMAT', LOG_FORMATS, isTerminal ? 'pretty' : 'json'),
    },
    notifySocket: (env['NOTIFY_SOCKET'] ?? '') === '' ? undefined : env['NOTIFY_SOCKET'],
    path: env['PATH'] ?? '/usr/bin:/bin',
    warnings: [
      ...publish.warnings,
      ...report.warnings,
      ...read.warnings,
      ...(publish.value === undefined ? [MISSING.publishToken] : []),
      ...(report.value === undefined ? [MISSING.reportSecret] : []),
    ],
  };
};

/** For `hub token`. @throws AgentError CONFIG */
export const readReportSecret = (env: NodeJS.ProcessEnv): string => {
  const { value } = readSecret(env, 'SUPERCARGO_REPORT_SECRET');
  if (value !== undefined) return value;
  throw new AgentError('CONFIG', 'SUPERCARGO_REPORT_SECRET is not set', {
    advice:
      'set it, or SUPERCARGO_REPORT_SECRET_FILE, to what the hub has; a host’s token is derived from it',
  });
};
