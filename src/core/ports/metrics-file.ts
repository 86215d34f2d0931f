import type { AgentError } from '../errors.ts';

export type MetricsWritten = { readonly ok: true } | { readonly ok: false; readonly error: AgentError };

/** A file that is replaced atomically, because a collector may read it at any time. */
export interface MetricsFile {
  readonly path: string;
  /** Never rejects, because metrics are no reason to stop. */
  readonly write: (text: string) => Promise<MetricsWritten>;
}
