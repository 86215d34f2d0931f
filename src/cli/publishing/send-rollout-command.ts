import { readPublisherConfig } from '../../config/publisher-config.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { ReportedRollout } from '../../core/turns/read-rollout.ts';
import type { RolloutCommand } from '../../core/turns/rollout-command.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { Call } from '../call.ts';
import { rolloutHeadline } from '../render/rollout-headline.ts';
import { terminalOf, writeJson } from '../streams.ts';
import { openStore } from './open-store.ts';
import { checkEnvironment, type StoreFlags } from './options.ts';
import { callerOf } from './rollout-options.ts';

interface Sending {
  readonly environment: string;
  readonly flags: StoreFlags;
  readonly command: (by: string) => RolloutCommand;
  /** One line about what has changed. */
  readonly report: (rollout: ReportedRollout) => string;
}

/** Sends a command to the hub, and prints what it did and how the rollout is now. */
export const sendRolloutCommand = async (
  { io, signal }: Call,
  { environment: name, flags, command, report }: Sending,
): Promise<ExitCode> => {
  const environment = checkEnvironment(name);
  const config = readPublisherConfig(io.env);
  const { rollouts } = await openStore(flags, config);
  const rollout = await rollouts.command(environment, command(callerOf(config)), signal);
  if (flags.json === true) writeJson(io, rollout);
  else io.stdout.write(`${oneLine(report(rollout))}\n${rolloutHeadline(rollout, terminalOf(io))}\n`);
  return EXIT.ok;
};
