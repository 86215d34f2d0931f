import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { checkHub, type HubDoctorOptions } from '../doctor/check-hub.ts';
import { showChecks } from '../doctor/show-checks.ts';

/** `_own` lacks the options of the hub: commander gives them to `hub`, which has them too. */
export const run = async ({ io, signal }: Call, _own: unknown, command: Command): Promise<ExitCode> => {
  const options = command.optsWithGlobals<HubDoctorOptions & { readonly json?: boolean }>();
  const checks = await checkHub(options, io.env, signal);
  showChecks(io, checks, options.json === true);
  return checks.some(({ result }) => result === 'problem') ? EXIT.error : EXIT.ok;
};
