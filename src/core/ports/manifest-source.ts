import type { AgentError } from '../errors.ts';

/** What one look at the environment's manifest gave. */
export type Fetched =
  /** The same bytes as the last `document` (or nothing newer, as the server says). */
  | { readonly kind: 'unchanged' }
  /**
   * Unjudged bytes, maybe none. Longer than the cap means: cut one byte past it, for the acceptance to
   * refuse.
   */
  | { readonly kind: 'document'; readonly bytes: Uint8Array }
  /** `retryAfterMs` is the server's wish, a floor for the back-off. */
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

/** What one long poll gave. Everything that a look can give, or: */
export type Held =
  | Fetched
  /** Nothing was read yet that a change could be told from: a look comes first. */
  | { readonly kind: 'unready' }
  /** The server answered at once: it does not hold requests. */
  | { readonly kind: 'unsupported' }
  /** A look came between; it says what is new. */
  | { readonly kind: 'interrupted' };

/**
 * Where the environment's manifest is read. Unreachable is a value; only the abort of `signal` rejects, with
 * its reason.
 */
export interface ManifestSource {
  fetch(signal: AbortSignal): Promise<Fetched>;
  /**
   * Settles as soon as the manifest changes, and after some time anyway. Absent: changes can't be waited for.
   */
  readonly hold?: (signal: AbortSignal) => Promise<Held>;
}
