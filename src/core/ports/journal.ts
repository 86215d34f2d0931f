import type { AgentError } from '../errors.ts';

/** One line of the history; other members depend on the event. */
export interface JournalEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly event: string;
  readonly [member: string]: unknown;
}

export type AppendResult = { readonly ok: true } | { readonly ok: false; readonly error: AgentError };

/** The history for people. No decision depends on it, so it may be lost. */
export interface Journal {
  /** Never rejects, because a full disk must not stop a rollback. Entries are written in call order. */
  readonly append: (entry: JournalEntry) => Promise<AppendResult>;
  /** The newest `limit` entries, newest last. Broken lines are left out. @throws AgentError STATE_DIR */
  readonly read: (limit?: number) => Promise<readonly JournalEntry[]>;
}
