import { readReportSecret } from '../../config/hub-config.ts';
import { AgentError } from '../../core/errors.ts';
import { isReportingHost } from '../../core/hub/file-names.ts';
import { hostToken } from '../../core/hub/tokens.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

export const run = async ({ io }: Call, environment: string, host: string): Promise<ExitCode> => {
  if (!isEnvironmentName(environment))
    throw usage(
      `"${environment}" is not a valid environment name`,
      'write it as SUPERCARGO_ENVIRONMENT has it',
    );
  if (!isReportingHost(host))
    throw usage(
      `"${host}" is not a valid host name`,
      'write it as SUPERCARGO_HOST has it, or as hostname prints it',
    );
  io.stdout.write(`${hostToken(readReportSecret(io.env), environment, host)}\n`);
  return EXIT.ok;
};
