import type { ExitCode } from '../../core/status/exit-code.ts';
import type { ReportedRollout } from '../../core/turns/read-rollout.ts';
import type { Call } from '../call.ts';
import type { StoreFlags } from '../publishing/options.ts';
import { checkReason } from '../publishing/rollout-options.ts';
import { sendRolloutCommand } from '../publishing/send-rollout-command.ts';
import { hostList } from '../render/rollout-headline.ts';

interface Flags extends StoreFlags {
  readonly reason: string;
  readonly jobElsewhere?: boolean;
}

const forgivenIn = ({ changes }: ReportedRollout): readonly string[] => [
  ...new Set(changes.flatMap(({ failures }) => failures.filter((f) => f.forgiven).map(({ host }) => host))),
];

export const run = async (call: Call, environment: string, flags: Flags): Promise<ExitCode> => {
  const reason = checkReason(flags.reason);
  return sendRolloutCommand(call, {
    environment,
    flags,
    command: (by) => ({ kind: 'resume', reason, by, jobElsewhere: flags.jobElsewhere === true }),
    report: (rollout) => {
      const forgiven = forgivenIn(rollout);
      const names = forgiven.length === 0 ? '' : `; no longer counted: ${hostList(forgiven)}`;
      return `${environment}: nothing is halted any more${names}`;
    },
  });
};
