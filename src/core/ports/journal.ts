import type { AgentError } from '../errors.ts';

/** One line of the history; other members depend on the event. */
export interface JournalEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly event: string;
  readonly [member: string]: unknown;
}

export type AppendResult = { readonly ok: true } | { readonly ok: false; readonly error: AgentError };

/** What happened here, for people. Nothing is ever decided by it, so that it may be lost. */
export interface Journal {
  /** Never rejects: a full disk must not stop a rollback. Calls are written in their order. */
  readonly append: (entry: JournalEntry) => Promise<AppendResult>;
  /**
   * Newest last; at most the `limit` newest. Lines that are cut or garbage are left out. @throws AgentError
   * STATE_DIR
   */
  readonly read: (limit?: number) => Promise<readonly JournalEntry[]>;
}
