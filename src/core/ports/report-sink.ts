import type { AgentError } from '../errors.ts';

export type Delivery =
  | { readonly kind: 'delivered' }
  /** `retryAfterMs` is the store's wish, a floor for the back-off. */
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

/**
 * Where this host says how it is. A store that is away is a value; only the abort of `signal` rejects, with
 * its reason.
 */
export interface ReportSink {
  /** Of this host's report; without credentials. */
  readonly url: string;
  readonly send: (text: string, signal: AbortSignal) => Promise<Delivery>;
}
