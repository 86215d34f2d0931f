import { stat } from 'node:fs/promises';
import { AgentError } from '../core/errors.ts';
import type { HubSecrets } from '../core/hub/secrets.ts';
import { withinDeadline } from '../io/disk-wait.ts';
import { readInputFile, unreadText } from '../io/input-file.ts';
import { valueIn } from './environment.ts';
import { parseEnvironmentTokens, parseRevokedHosts } from './hub-tables.ts';
import {
  checkSecret,
  MAKE_SECRET,
  openFileWarning,
  parseSecretLines,
  secretSource,
  shortWarnings,
} from './secret.ts';

const SECRET_BYTES = 4096;
const TABLE_BYTES = 1024 ** 2;

const PUBLISH = 'SUPERCARGO_PUBLISH_TOKEN';
const TABLE = 'SUPERCARGO_PUBLISH_TOKENS_FILE';
const REPORT = 'SUPERCARGO_REPORT_SECRET';
const READ = 'SUPERCARGO_READ_TOKEN';
const REVOKED = 'SUPERCARGO_REVOKED_HOSTS_FILE';

/**
 * Reads a regular file within a deadline: it is read again while the hub serves. @throws AgentError CONFIG
 */
const readNamed = async (variable: string, path: string, maxBytes: number): Promise<string> => {
  const read = await readInputFile(path, maxBytes);
  if (read.kind === 'bytes') return read.bytes.toString('utf8');
  throw new AgentError('CONFIG', `${variable} names ${path}, which ${unreadText(read)}`, {
    advice: `make it a file that the user of the hub can read, or correct ${variable}`,
  });
};

const modeWarnings = async (variable: string, path: string): Promise<readonly string[]> => {
  const { mode } = await withinDeadline(path, () => stat(path));
  return (mode & 0o007) === 0 ? [] : [openFileWarning(variable, path)];
};

interface Read<T> {
  readonly values: readonly T[];
  readonly warnings: readonly string[];
}

const NONE = { values: [], warnings: [] };

const readLines = async (env: NodeJS.ProcessEnv, name: string): Promise<Read<string>> => {
  const { value, file } = secretSource(env, name);
  if (value !== undefined)
    return { values: [checkSecret(name, value)], warnings: shortWarnings(name, value) };
  if (file === undefined) return NONE;
  const variable = `${name}_FILE`;
  const values = parseSecretLines(file, await readNamed(variable, file, SECRET_BYTES));
  const short = values.flatMap((text) => shortWarnings(name, text));
  return { values, warnings: [...(await modeWarnings(variable, file)), ...short] };
};

const readEnvironmentTokens = async (env: NodeJS.ProcessEnv) => {
  const file = valueIn(env, TABLE);
  if (file === undefined) return NONE;
  const values = parseEnvironmentTokens(file, await readNamed(TABLE, file, TABLE_BYTES));
  const short = values.flatMap(({ environment, token }) =>
    shortWarnings(`${TABLE}: the token of ${environment}`, token),
  );
  return { values, warnings: [...(await modeWarnings(TABLE, file)), ...short] };
};

const readRevokedHosts = async (env: NodeJS.ProcessEnv): Promise<HubSecrets['revokedHosts']> => {
  const file = valueIn(env, REVOKED);
  return file === undefined ? [] : parseRevokedHosts(file, await readNamed(REVOKED, file, TABLE_BYTES));
};

const checkDistinct = (secrets: readonly string[]): void => {
  if (new Set(secrets).size === secrets.length) return;
  throw new AgentError('CONFIG', 'two of the hub’s secrets are the same', {
    advice: `make one each for ${PUBLISH}, ${REPORT}, ${READ} and each line of their files: ${MAKE_SECRET}`,
  });
};

/** Reads all secrets of a hub anew. No message quotes a part of them. @throws AgentError CONFIG */
export const readHubSecrets = async (
  env: NodeJS.ProcessEnv,
): Promise<{ readonly secrets: HubSecrets; readonly warnings: readonly string[] }> => {
  const publish = await readLines(env, PUBLISH);
  const environments = await readEnvironmentTokens(env);
  const report = await readLines(env, REPORT);
  const read = await readLines(env, READ);
  const tokens = environments.values.map(({ token }) => token);
  checkDistinct([...publish.values, ...tokens, ...report.values, ...read.values]);
  return {
    secrets: {
      publishTokens: publish.values,
      environmentTokens: environments.values,
      reportSecrets: report.values,
      readTokens: read.values,
      revokedHosts: await readRevokedHosts(env),
    },
    warnings: [publish, environments, report, read].flatMap(({ warnings }) => warnings),
  };
};
