import { AgentError } from '../core/errors.ts';
import { valueIn } from './environment.ts';
import { readSecret } from './secret.ts';
import { LOG_FORMATS, LOG_LEVELS } from './validators.ts';

/** The hub's variables and their purposes, as in the table of docs/HUB.md. All other settings are options. */
export const HUB_VARIABLES = {
  SUPERCARGO_PUBLISH_TOKEN:
    'allows to publish, to remove reports, and to read everything. Not set: no publish is possible',
  SUPERCARGO_REPORT_SECRET: 'the tokens of hosts are derived from it. Not set: no host reports',
  SUPERCARGO_READ_TOKEN: 'allows to read everything',
  SUPERCARGO_LOG_LEVEL: 'as for the [agent](CONFIGURATION.md)',
  SUPERCARGO_LOG_FORMAT: 'as for the [agent](CONFIGURATION.md)',
  NOTIFY_SOCKET: 'where systemd listens for the state of the service',
  PATH: 'where programs are looked for',
} as const;
type HubVariable = keyof typeof HUB_VARIABLES;

const MISSING: Readonly<Partial<Record<HubVariable, string>>> = {
  SUPERCARGO_PUBLISH_TOKEN: 'no version can be published to this hub',
  SUPERCARGO_REPORT_SECRET: 'no host can report to this hub',
};

export type HubConfig = ReturnType<typeof readHubConfig>;

const choice = <T extends string>(
  env: NodeJS.ProcessEnv,
  name: HubVariable,
  choices: readonly T[],
  preset: T,
): T => {
  const given = valueIn(env, name);
  if (given === undefined) return preset;
  const found = choices.find((each) => each === given);
  if (found !== undefined) return found;
  throw new AgentError('CONFIG', `${name} is "${given}"`, { advice: `write one of ${choices.join(', ')}` });
};

/** @throws AgentError CONFIG */
export const readHubConfig = (env: NodeJS.ProcessEnv, isTerminal: boolean) => {
  const secret = (name: HubVariable) => ({ name, ...readSecret(env, name) });
  const publish = secret('SUPERCARGO_PUBLISH_TOKEN');
  const report = secret('SUPERCARGO_REPORT_SECRET');
  const read = secret('SUPERCARGO_READ_TOKEN');
  const secrets = [publish, report, read];
  const given = secrets.flatMap(({ value }) => value ?? []);
  if (new Set(given).size !== given.length) {
    throw new AgentError('CONFIG', 'two of the hub’s secrets are the same', {
      advice: `make one each for ${publish.name}, ${report.name} and ${read.name}: openssl rand -hex 32`,
    });
  }
  const missing = secrets.flatMap(({ name, value }) =>
    value === undefined && MISSING[name] !== undefined ? [`${name} is not set: ${MISSING[name]}`] : [],
  );
  return {
    publishToken: publish.value,
    reportSecret: report.value,
    readToken: read.value,
    log: {
      level: choice(env, 'SUPERCARGO_LOG_LEVEL', LOG_LEVELS, 'info'),
      format: choice(env, 'SUPERCARGO_LOG_FORMAT', LOG_FORMATS, isTerminal ? 'pretty' : 'json'),
    },
    notifySocket: valueIn(env, 'NOTIFY_SOCKET'),
    path: env['PATH'] ?? '/usr/bin:/bin',
    warnings: [...secrets.flatMap(({ warnings }) => warnings), ...missing],
  };
};

/** Reads the secret for `hub token`. @throws AgentError CONFIG */
export const readReportSecret = (env: NodeJS.ProcessEnv): string => {
  const { value } = readSecret(env, 'SUPERCARGO_REPORT_SECRET');
  if (value !== undefined) return value;
  throw new AgentError('CONFIG', 'SUPERCARGO_REPORT_SECRET is not set', {
    advice:
      'set it, or SUPERCARGO_REPORT_SECRET_FILE, to what the hub has; a host’s token is derived from it',
  });
};
