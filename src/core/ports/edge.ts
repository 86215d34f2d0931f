import type { EdgeAction } from '../edge/action.ts';
import type { EdgeState } from '../edge/model.ts';

/** One edge container: its runtime and its config folder. Every method rejects with an AgentError, or the signal's reason. */
export interface Edge {
  /** @throws AgentError EDGE_UNREACHABLE where it does not run, or does not answer. */
  readonly observe: (signal: AbortSignal) => Promise<EdgeState>;
  /** What a restarted edge would read; undefined: nothing was ever written. @throws AgentError STATE_DIR */
  readonly written: (signal: AbortSignal) => Promise<string | undefined>;
  /** Idempotent. @throws AgentError EDGE_UNREACHABLE, EDGE, STATE_DIR */
  readonly apply: (action: EdgeAction, signal: AbortSignal) => Promise<void>;
  /** Removes its files, once its container is gone. @throws AgentError STATE_DIR */
  readonly discard: () => Promise<void>;
}
