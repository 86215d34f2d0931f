import type { Command } from 'commander';
import { readReportSecret } from '../../config/hub-config.ts';
import { AgentError } from '../../core/errors.ts';
import { isReportingHost } from '../../core/hub/file-names.ts';
import { hostToken } from '../../core/hub/tokens.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Cli } from '../cli.ts';
import type { Io } from '../streams.ts';

const TOKEN_HELP = `
Example:
  supercargo hub token staging web-1

Needs SUPERCARGO_REPORT_SECRET or SUPERCARGO_REPORT_SECRET_FILE, as the hub has it. Goes into the host's
SUPERCARGO_REPORT_TOKEN.`;

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

const printToken = (io: Io, environment: string, host: string): ExitCode => {
  if (!isEnvironmentName(environment))
    throw usage(`"${environment}" is no name of an environment`, 'write it as SUPERCARGO_ENVIRONMENT has it');
  if (!isReportingHost(host))
    throw usage(
      `"${host}" is no name of a host`,
      'write it as SUPERCARGO_HOST has it, or as hostname prints it',
    );
  io.stdout.write(`${hostToken(readReportSecret(io.env), environment, host)}\n`);
  return EXIT.ok;
};

export const addHubToken = (hub: Command, { io, run }: Cli): void => {
  hub
    .command('token <environment> <host>')
    .description('prints the token with which a host reports')
    .addHelpText('after', TOKEN_HELP)
    .exitOverride()
    .action((environment: string, host: string) =>
      run(() => Promise.resolve().then(() => printToken(io, environment, host))),
    );
};
