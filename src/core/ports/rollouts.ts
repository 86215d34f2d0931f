import type { RolloutCommand } from '../turns/rollout-command.ts';
import type { ReportedRollout } from '../turns/read-rollout.ts';

/**
 * How far the changes of an environment are, and what people say about them. Every function throws AgentError
 * STORE if the store is unreachable or refuses; the abort of `signal` rejects with its reason.
 */
export interface Rollouts {
  /** `no-turns`: a folder, another web server, or an older hub, which hand out no turns. */
  readonly status: (environment: string, signal: AbortSignal) => Promise<ReportedRollout | 'no-turns'>;
  /** @returns the rollout after the command */
  readonly command: (
    environment: string,
    command: RolloutCommand,
    signal: AbortSignal,
  ) => Promise<ReportedRollout>;
}
