import { readHostConfig } from './host-config.ts';
import { AgentError } from '../../core/errors.ts';
import type { PlanInput } from '../../core/plan/plan-input.ts';
import type { Io } from '../streams.ts';
import { createQuietLog } from '../terminal/narrator.ts';
import { wireAgent, type Wired } from './wire-agent.ts';

export interface Observed extends Wired {
  readonly environment: string;
  /** Undefined if the engine is offline, the ledger is unusable, or the compose file is invalid. */
  readonly input: PlanInput | undefined;
}

/**
 * Observes and plans without a daemon and writes nothing. `fetch` also asks the manifest source; `strict`
 * makes an invalid compose file an error.
 * @throws AgentError
 */
export const observeLocally = async (
  io: Io,
  options: { readonly fetch: boolean; readonly strict: boolean },
  signal: AbortSignal,
): Promise<Observed> => {
  const config = readHostConfig(io.env);
  const wired = wireAgent(config, { log: createQuietLog(), dryRun: true, daemonPid: undefined });
  const { agent } = wired;
  const failure = await agent.open(signal);
  if (failure) throw failure;
  const [problem] = agent.intake.state().composeProblems;
  if (problem && options.strict) throw new AgentError('COMPOSE', problem.message, { advice: problem.advice });
  if (options.fetch) await agent.intake.fetch(signal);
  return { ...wired, environment: config.environment, input: await agent.observe(signal) };
};
