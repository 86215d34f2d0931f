import type { AgentError } from '../errors.ts';

export type Delivery =
  | { readonly kind: 'delivered' }
  /** `retryAfterMs` is the store's Retry-After, a floor for the back-off. */
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

export interface Report {
  /** The document. It is made only where it is sent whole. */
  readonly text: () => string;
  /** Equal for two reports if no reader needs the second one: then a heartbeat is enough. */
  readonly substance: string;
  /** Counts the requests and reports of this life of the agent; without it no heartbeat is sent. */
  readonly seq: number | undefined;
}

/**
 * Where this host sends its reports. An unreachable store is a value; only the abort of `signal` rejects,
 * with its reason.
 */
export interface ReportSink {
  /** Where the last report went, or the next one goes; without credentials. */
  readonly url: () => string;
  readonly send: (report: Report, signal: AbortSignal) => Promise<Delivery>;
}
