import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { checkHost } from '../doctor/check-host.ts';
import { showChecks } from '../doctor/show-checks.ts';

export const run = async ({ io, signal }: Call, options: { json?: boolean }): Promise<ExitCode> => {
  const checks = await checkHost(io.env, signal);
  showChecks(io, checks, options.json === true);
  if (checks.some((check) => check.name === 'engine' && check.result === 'problem')) return EXIT.offline;
  return checks.some((check) => check.result === 'problem') ? EXIT.error : EXIT.ok;
};
