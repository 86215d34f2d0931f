import { readReportSecret } from '../../config/hub-config.ts';
import { AgentError } from '../../core/errors.ts';
import { isReportingHost } from '../../core/hub/file-names.ts';
import { hostToken, readGeneration } from '../../core/hub/tokens.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

const toGeneration = (text: string): number => {
  const generation = readGeneration(text);
  if (generation !== undefined) return generation;
  throw usage(`"${text}" is not a valid --generation`, 'write a whole number from 0 to 999999');
};

export const run = async (
  { io }: Call,
  environment: string,
  host: string,
  flags: { readonly generation: string },
): Promise<ExitCode> => {
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
  const generation = toGeneration(flags.generation);
  const secret = readReportSecret(io.env);
  io.stdout.write(`${hostToken(secret, environment, host, generation)}\n`);
  return EXIT.ok;
};
