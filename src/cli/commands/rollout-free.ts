import type { ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import type { StoreFlags } from '../publishing/options.ts';
import { checkHost, checkReason } from '../publishing/rollout-options.ts';
import { sendRolloutCommand } from '../publishing/send-rollout-command.ts';

interface Flags extends StoreFlags {
  readonly reason: string;
}

export const run = async (call: Call, environment: string, name: string, flags: Flags): Promise<ExitCode> => {
  const host = checkHost(name);
  const reason = checkReason(flags.reason);
  return sendRolloutCommand(call, {
    environment,
    flags,
    command: (by) => ({ kind: 'free', host, reason, by }),
    report: () => `${host} has no turn in ${environment} any more: its place is free for another host`,
  });
};
