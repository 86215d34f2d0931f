import type { Ledger } from '../state/ledger.ts';

export type LedgerRead =
  | { readonly kind: 'ok'; readonly ledger: Ledger }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly message: string }
  /** Valid, but of another environment. */
  | { readonly kind: 'foreign'; readonly environment: string };

/** The file of the ledger. */
export interface LedgerStore {
  readonly path: string;
  /** @throws AgentError STATE_DIR if the file exists but may not be read */
  readonly read: () => Promise<LedgerRead>;
  /** Durable when it settles. @throws AgentError STATE_DIR; the old content then stays. */
  readonly write: (ledger: Ledger) => Promise<void>;
  /** Renames the ledger, never over another file. Returns the new path; undefined if there was no ledger. */
  readonly setAside: (suffix: string) => Promise<string | undefined>;
}
