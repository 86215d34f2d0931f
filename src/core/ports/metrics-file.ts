import type { AgentError } from '../errors.ts';

export type MetricsWritten = { readonly ok: true } | { readonly ok: false; readonly error: AgentError };

/** A file that a collector reads whenever it likes: it sees the old text or the new one. */
export interface MetricsFile {
  readonly path: string;
  /** Never rejects: metrics are no reason to stop. */
  readonly write: (text: string) => Promise<MetricsWritten>;
}
