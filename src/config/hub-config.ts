import { AgentError } from '../core/errors.ts';
import type { HubSecrets } from '../core/hub/secrets.ts';
import { valueIn } from './environment.ts';
import { readHubSecrets } from './hub-secrets.ts';
import { readSecret } from './secret.ts';
import { LOG_FORMATS, LOG_LEVELS } from './validators.ts';

/** The hub's variables and their purposes, as in the table of docs/HUB.md. All other settings are options. */
export const HUB_VARIABLES = {
  SUPERCARGO_PUBLISH_TOKEN:
    'allows to publish to all environments, to remove reports and archives, and to read everything',
  SUPERCARGO_PUBLISH_TOKENS_FILE:
    'a file with a publish token for each environment. With neither of the two no publish is possible',
  SUPERCARGO_REPORT_SECRET: 'the tokens of hosts are derived from it. Not set: no host reports',
  SUPERCARGO_REVOKED_HOSTS_FILE: 'a file with the hosts whose tokens are refused',
  SUPERCARGO_READ_TOKEN: 'allows to read everything',
  SUPERCARGO_HUB_STORE:
    'the address of a PostgreSQL database, as `--store` has it; here it may hold the password',
  SUPERCARGO_HUB_STORE_PASSWORD: 'the password of its role, unless the address holds one',
  SUPERCARGO_LOG_LEVEL: 'as for the [agent](CONFIGURATION.md)',
  SUPERCARGO_LOG_FORMAT: 'as for the [agent](CONFIGURATION.md)',
  NOTIFY_SOCKET: 'where systemd listens for the state of the service',
  PATH: 'where programs are looked for',
} as const;
type HubVariable = keyof typeof HUB_VARIABLES;

export type HubConfig = Awaited<ReturnType<typeof readHubConfig>>;

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

const missingIn = ({ publishTokens, environmentTokens, reportSecrets }: HubSecrets): readonly string[] => [
  ...(publishTokens.length + environmentTokens.length > 0
    ? []
    : ['SUPERCARGO_PUBLISH_TOKEN is not set: no version can be published to this hub']),
  ...(reportSecrets.length > 0
    ? []
    : ['SUPERCARGO_REPORT_SECRET is not set: no host can report to this hub']),
];

/** @throws AgentError CONFIG */
export const readHubConfig = async (env: NodeJS.ProcessEnv, isTerminal: boolean) => {
  const { secrets, warnings } = await readHubSecrets(env);
  return {
    secrets,
    log: {
      level: choice(env, 'SUPERCARGO_LOG_LEVEL', LOG_LEVELS, 'info'),
      format: choice(env, 'SUPERCARGO_LOG_FORMAT', LOG_FORMATS, isTerminal ? 'pretty' : 'json'),
    },
    notifySocket: valueIn(env, 'NOTIFY_SOCKET'),
    path: env['PATH'] ?? '/usr/bin:/bin',
    warnings: [...warnings, ...missingIn(secrets)],
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
