import type { AgentError } from '../errors.ts';

/** Result of a request for the environment's manifest. */
export type Fetched =
  /** The same bytes as the last `document`, or nothing newer according to the server. */
  | { readonly kind: 'unchanged' }
  /**
   * Unverified bytes, maybe none. A longer document is cut one byte past the cap, so that acceptance refuses
   * it. `from` is the address of the hub, if there are several.
   */
  | { readonly kind: 'document'; readonly bytes: Uint8Array; readonly from?: string }
  /** `retryAfterMs` is the server's Retry-After, a floor for the back-off. */
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

/** Result of a long poll: that of an ordinary request, or: */
export type Held =
  | Fetched
  /** No manifest was read yet to compare with, so an ordinary request comes first. */
  | { readonly kind: 'unready' }
  /** The server responded at once, so it does not hold requests. */
  | { readonly kind: 'unsupported' }
  /** An ordinary request came between, and its result counts. */
  | { readonly kind: 'interrupted' };

/**
 * Source of the environment's manifest. An unreachable source is a value; only the abort of `signal` rejects,
 * with its reason.
 */
export interface ManifestSource {
  fetch(signal: AbortSignal): Promise<Fetched>;
  /** Settles when the manifest changes, or after some time. Absent if the source has no long poll. */
  readonly hold?: (signal: AbortSignal) => Promise<Held>;
}
