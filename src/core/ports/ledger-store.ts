import type { Ledger } from '../state/ledger.ts';

export type LedgerRead =
  | { readonly kind: 'ok'; readonly ledger: Ledger }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly message: string }
  /** Whole, and of another environment. */
  | { readonly kind: 'foreign'; readonly environment: string };

/** Where the ledger is kept. */
export interface LedgerStore {
  readonly path: string;
  /** @throws AgentError STATE_DIR where the file exists and may not be read. */
  readonly read: () => Promise<LedgerRead>;
  /** Durable when it settles. @throws AgentError STATE_DIR; the old content is then untouched. */
  readonly write: (ledger: Ledger) => Promise<void>;
  /**
   * Sets an unreadable ledger aside, never over another; returns its new path, undefined where there was
   * none.
   */
  readonly setAside: (suffix: string) => Promise<string | undefined>;
}
