import type { AgentError } from '../errors.ts';
import type { TurnAnswer, TurnRequest } from '../turns/turn-request.ts';

export type Asked =
  | { readonly kind: 'answered'; readonly answer: TurnAnswer }
  /** The server takes reports, but hands out no turns. */
  | { readonly kind: 'none'; readonly message: string }
  /** Not from this agent: another one has its name. The message says so. */
  | { readonly kind: 'refused'; readonly message: string }
  /** `retryAfterMs` is the store's Retry-After, a floor for the back-off. */
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

/**
 * Where this host asks for its turns. The store may hold a request (`HOLD_MS`). An unreachable store is a value;
 * only the abort of `signal` rejects, with its reason.
 */
export interface TurnSource {
  readonly ask: (request: TurnRequest, signal: AbortSignal) => Promise<Asked>;
}
