import { AgentError } from '../core/errors.ts';
import { isReportingHost } from '../core/hub/file-names.ts';
import type { EnvironmentToken, RevokedHost } from '../core/hub/secrets.ts';
import { readGeneration } from '../core/hub/tokens.ts';
import { isEnvironmentName } from '../core/manifest/schema.ts';
import { isSecretWord } from './secret.ts';

interface Row {
  readonly line: number;
  readonly words: readonly string[];
}

/** Rows of words. Empty lines and those that begin with # are left out. */
const rowsOf = (text: string): readonly Row[] =>
  text
    .split('\n')
    .map((line, index) => ({ line: index + 1, words: line.split(/\s+/).filter((word) => word !== '') }))
    .filter(({ words: [first] }) => first !== undefined && !first.startsWith('#'));

/** Quotes nothing of the file, which may hold a token. */
const fault = (path: string, line: number, wanted: string, advice: string): AgentError =>
  new AgentError('CONFIG', `line ${String(line)} of ${path} ${wanted}`, { advice });

/**
 * Rows of `ENVIRONMENT TOKEN`, at most two for an environment, the current one first. @throws AgentError
 * CONFIG
 */
export const parseEnvironmentTokens = (path: string, text: string): readonly EnvironmentToken[] => {
  const counts = new Map<string, number>();
  return rowsOf(text).map(({ line, words: [environment = '', token = '', ...more] }) => {
    if (!isEnvironmentName(environment) || !isSecretWord(token) || more.length > 0)
      throw fault(
        path,
        line,
        'is not an environment and a token',
        'write "staging TOKEN", with a token from: openssl rand -hex 32',
      );
    const count = (counts.get(environment) ?? 0) + 1;
    counts.set(environment, count);
    if (count > 2)
      throw fault(
        path,
        line,
        `is the third token of ${environment}`,
        'keep at most two of an environment: the current one and the one before it',
      );
    return { environment, token, isPrevious: count === 2 };
  });
};

/** Rows of `ENVIRONMENT HOST` or `ENVIRONMENT HOST GENERATION`. @throws AgentError CONFIG */
export const parseRevokedHosts = (path: string, text: string): readonly RevokedHost[] => {
  const seen = new Set<string>();
  return rowsOf(text).map(({ line, words: [environment = '', host = '', least, ...more] }) => {
    const leastGeneration = least === undefined ? undefined : readGeneration(least);
    const isRow = isEnvironmentName(environment) && isReportingHost(host) && more.length === 0;
    // Below generation 0 there is none: the line would refuse nothing.
    if (!isRow || (least !== undefined && !leastGeneration))
      throw fault(
        path,
        line,
        'is not an environment and a host',
        'write "staging web-1", or "staging web-1 2" to refuse the tokens below generation 2',
      );
    const name = `${environment} ${host}`;
    if (seen.has(name))
      throw fault(path, line, `names ${name} again`, 'keep one line for each host of an environment');
    seen.add(name);
    return { environment, host, leastGeneration };
  });
};
