import { AgentError } from '../../core/errors.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import type { StoreFlags } from '../publishing/options.ts';
import { checkHost, checkReason } from '../publishing/rollout-options.ts';
import { sendRolloutCommand } from '../publishing/send-rollout-command.ts';

interface Flags extends StoreFlags {
  readonly reason?: string;
  readonly undo?: boolean;
}

const BACK = 'it takes part again';

export const run = async (call: Call, environment: string, name: string, flags: Flags): Promise<ExitCode> => {
  const host = checkHost(name);
  const undo = flags.undo === true;
  if (!undo && flags.reason === undefined)
    throw new AgentError('USAGE', 'the reason is missing', {
      advice: `say why no change waits for ${host}: --reason TEXT; or --undo, so that it takes part again`,
    });
  const reason = checkReason(flags.reason ?? BACK);
  return sendRolloutCommand(call, {
    environment,
    flags,
    command: (by) => ({ kind: 'leave-out', host, reason, by, undo }),
    report: () =>
      undo
        ? `${host} takes part in the changes of ${environment} again`
        : `${host} is left out in ${environment}: no wave waits for it, and it takes no place, ` +
          `until \`supercargo rollout leave-out ${environment} ${host} --undo\``,
  });
};
