import type { AgentError } from '../errors.ts';

export type Delivery =
  | { readonly kind: 'delivered' }
  /** `retryAfterMs` is the store's Retry-After, a floor for the back-off. */
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

/**
 * Where this host sends its reports. An unreachable store is a value; only the abort of `signal` rejects,
 * with its reason.
 */
export interface ReportSink {
  /** Where the last report went, or the next one goes; without credentials. */
  readonly url: () => string;
  readonly send: (text: string, signal: AbortSignal) => Promise<Delivery>;
}
