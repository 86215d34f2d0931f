import type { ExitCode } from '../../core/status/exit-code.ts';
import { durationArgument } from '../arguments.ts';
import type { Call } from '../call.ts';
import type { StoreFlags } from '../publishing/options.ts';
import { checkReason } from '../publishing/rollout-options.ts';
import { sendRolloutCommand } from '../publishing/send-rollout-command.ts';

interface Flags extends StoreFlags {
  readonly reason: string;
  readonly for?: string;
}

export const run = async (call: Call, environment: string, flags: Flags): Promise<ExitCode> => {
  const reason = checkReason(flags.reason);
  const forSeconds = flags.for === undefined ? null : Math.ceil(durationArgument(flags.for) / 1000);
  const until = flags.for === undefined ? '' : ` or ${flags.for} are over`;
  return sendRolloutCommand(call, {
    environment,
    flags,
    command: (by) => ({ kind: 'halt', reason, by, forSeconds }),
    report: ({ pace }) =>
      (pace === null
        ? `${environment} has no pace, so hosts that decide alone go on; no host with SUPERCARGO_TURNS=always `
        : `${environment}: no host `) +
      'begins anything new until ' +
      `\`supercargo rollout resume ${environment} --reason …\`${until}; what has begun goes on`,
  });
};
