import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { readCredentials } from '../../adapters/manifest-source/credentials.ts';
import { readDockerConfig } from '../../adapters/registry-credentials/docker-config.ts';
import { readToken } from '../../adapters/report-store/token.ts';
import { createLedgerStore } from '../../adapters/state-dir/ledger-store.ts';
import { checkConfig, type Config } from '../../config/agent-config.ts';
import { lineOfVariable, parseEnvironmentFile } from '../../config/environment-file.ts';
import { readSurroundings } from '../../config/host-facts.ts';
import type { ConfigProblem } from '../../config/read-variables.ts';
import { instanceDefaults, type InstanceName } from '../../config/instance.ts';
import { AgentError, toAgentError } from '../../core/errors.ts';
import { readInputFile, readNamedFile, unreadText } from '../../io/input-file.ts';
import { readTrustFile } from './host-files.ts';

interface Options {
  readonly instance: InstanceName;
  /** Where the content of a file is read that a variable names (io/staging.ts). */
  readonly locate: (path: string) => string;
  readonly signal: AbortSignal;
}

export interface EnvironmentProblem {
  /** Undefined if the file does not set the variable, or cannot be read. */
  readonly line: number | undefined;
  /** With the name of the variable and what to do. */
  readonly message: string;
}

export type CheckedEnvironment =
  | { readonly kind: 'ok'; readonly config: Config }
  | { readonly kind: 'problems'; readonly problems: readonly EnvironmentProblem[] };

const MAX_BYTES = 1024 ** 2;
const MAX_PEM_BYTES = 4 * 1024 ** 2;
const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^]*?-----END [A-Z0-9 ]+-----/g;

const fault = (message: string, advice: string): AgentError =>
  new AgentError('CREDENTIALS', message, { advice });

const readCertificates = async (path: string, variable: string, signal: AbortSignal): Promise<string> => {
  const pem = await readNamedFile(path, variable, MAX_PEM_BYTES, signal);
  const blocks = pem.match(CERTIFICATE) ?? [];
  try {
    for (const block of blocks) void new X509Certificate(block);
  } catch {
    throw fault(`the file ${path} holds a damaged certificate`, 'copy the whole PEM text into it again');
  }
  if (blocks.length > 0) return pem;
  throw fault(`the file ${path} holds no certificate`, 'write the PEM text of one into it');
};

const readPair = async (certFile: string, keyFile: string, signal: AbortSignal): Promise<void> => {
  const cert = await readCertificates(certFile, 'SUPERCARGO_CLIENT_CERT', signal);
  const key = await readNamedFile(keyFile, 'SUPERCARGO_CLIENT_KEY', MAX_PEM_BYTES, signal);
  try {
    createSecureContext({ cert, key });
  } catch {
    throw fault(
      `the file ${keyFile} holds no private key of the certificate in ${certFile}`,
      'write the PEM text of both into these files, the key without a passphrase',
    );
  }
};

const checkTrust = async (path: string, content: string): Promise<void> => {
  const read = await readTrustFile(path, content);
  if (read.kind === 'problem') throw fault(read.problem.message, read.problem.advice);
};

/** The agent leaves alone what another environment runs here, until an operator has moved the host. */
const checkLedger = async ({ stateDir, environment }: Config): Promise<void> => {
  const path = join(stateDir, 'ledger.json');
  // Only the agent's user and root can read the state folder. For any other user the agent checks it.
  const read = await createLedgerStore(path, environment)
    .read()
    .catch(() => undefined);
  if (read?.kind !== 'foreign') return;
  throw fault(
    `this host runs the environment ${read.environment}, not ${environment}: ${path} is its ledger`,
    'keep the environment, or run the new one beside it as an instance (supercargo@NAME); to move the host, ' +
      'see OPERATIONS.md, "Another environment for a host"',
  );
};

/** The files that the variables name, each read as the agent reads it. */
const checkNamedFiles = async (
  config: Config,
  { locate, signal }: Options,
): Promise<readonly ConfigProblem[]> => {
  const problems: ConfigProblem[] = [];
  const check = async (variable: string, paths: readonly string[], read: () => Promise<unknown>) => {
    try {
      await read();
    } catch (error) {
      signal.throwIfAborted();
      const { message, advice } = toAgentError(error);
      const named = paths.reduce((text, path) => text.replaceAll(locate(path), path), message);
      problems.push({ variable, message: `: ${named}\n    → ${advice ?? 'correct it'}` });
    }
  };
  const {
    trustFile,
    manifestCredentialsFile: credentials,
    report,
    caFile,
    clientCertificate: client,
  } = config;
  if (trustFile !== undefined)
    await check('SUPERCARGO_TRUST', [], () => checkTrust(trustFile, locate(trustFile)));
  if (credentials !== undefined)
    await check('SUPERCARGO_MANIFEST_CREDENTIALS', [credentials], () =>
      readCredentials(locate(credentials), signal),
    );
  if (caFile !== undefined)
    await check('SUPERCARGO_CA', [caFile], () => readCertificates(locate(caFile), 'SUPERCARGO_CA', signal));
  if (client)
    await check('SUPERCARGO_CLIENT_CERT', [client.certFile, client.keyFile], () =>
      readPair(locate(client.certFile), locate(client.keyFile), signal),
    );
  if (report?.token.kind === 'file') {
    const { path } = report.token;
    await check('SUPERCARGO_REPORT_TOKEN_FILE', [path], () =>
      readToken({ kind: 'file', path: locate(path) }, signal),
    );
  }
  const logins = join(config.dockerConfigDir, 'config.json');
  await check('DOCKER_CONFIG', [logins], () => readDockerConfig(locate(logins), signal));
  await check('SUPERCARGO_ENVIRONMENT', [], () => checkLedger(config));
  return problems;
};

/**
 * Checks a file of variables as the agent that starts with it does, and reads what the variables name.
 * Messages quote no value that may be a secret.
 */
export const checkEnvironmentFile = async (path: string, options: Options): Promise<CheckedEnvironment> => {
  const read = await readInputFile(path, MAX_BYTES, options.signal);
  if (read.kind !== 'bytes')
    return { kind: 'problems', problems: [{ line: undefined, message: unreadText(read) }] };
  const text = read.bytes.toString('utf8');
  const env = { ...instanceDefaults(options.instance), ...parseEnvironmentFile(text) };
  const here = readSurroundings();
  const checked = checkConfig(env, {
    ...here,
    fileExists: (file) => here.fileExists(options.locate(file)),
  });
  const at = ({ variable, message }: ConfigProblem): EnvironmentProblem => ({
    line: lineOfVariable(text, variable),
    message: `${variable}${message}`,
  });
  if (checked.kind === 'problems')
    return {
      kind: 'problems',
      problems: checked.problems.map((p) => at({ ...p, message: ` ${p.message}` })),
    };
  const problems = await checkNamedFiles(checked.config, options);
  return problems.length === 0
    ? { kind: 'ok', config: checked.config }
    : { kind: 'problems', problems: problems.map(at) };
};
