import type { AgentError } from '../errors.ts';

/** What one look at the environment's manifest gave. */
export type Fetched =
  /** The same bytes as the last `document` (or nothing newer, as the server says). */
  | { readonly kind: 'unchanged' }
  /** Unjudged bytes, maybe none. Longer than the cap means: cut one byte past it, for the acceptance to refuse. */
  | { readonly kind: 'document'; readonly bytes: Uint8Array }
  /** `retryAfterMs` is the server's wish, a floor for the back-off. */
  | { readonly kind: 'failed'; readonly error: AgentError; readonly retryAfterMs?: number };

/** Where the environment's manifest is read. Unreachable is a value; only the abort of `signal` rejects, with its reason. */
export interface ManifestSource {
  fetch(signal: AbortSignal): Promise<Fetched>;
}
