import type { EpochMs } from '../time.ts';
import type { AuditEntry, TurnState } from './turn-state.ts';

const MOST_AUDITED = 200;

/** Adds to the audit list, newest first. */
export const audited = (
  state: TurnState,
  nowMs: EpochMs,
  what: AuditEntry['what'],
  message: string,
  { host = null, by = null }: { readonly host?: string | null; readonly by?: string | null } = {},
): TurnState => ({
  ...state,
  audit: [{ atMs: nowMs, what, host, by, message }, ...state.audit].slice(0, MOST_AUDITED),
});
