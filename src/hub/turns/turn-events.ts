import type { EventLog } from '../../core/events.ts';
import type { AuditEntry, TurnState } from '../../core/turns/turn-state.ts';
import type { EventName } from '../../core/vocabulary/event-names.ts';

const EVENT_OF: Readonly<Record<AuditEntry['what'], EventName>> = {
  change: 'change.made',
  wave: 'wave.opened',
  granted: 'turn.granted',
  good: 'turn.ended',
  failed: 'turn.ended',
  returned: 'turn.ended',
  lost: 'turn.lost',
  stuck: 'turn.stuck',
  halted: 'change.halted',
  finished: 'change.finished',
  halt: 'rollout.commanded',
  resume: 'rollout.commanded',
  free: 'rollout.commanded',
  'leave-out': 'rollout.commanded',
  undo: 'rollout.commanded',
  job: 'job.reported',
};

const WARNED: ReadonlySet<AuditEntry['what']> = new Set(['failed', 'lost', 'stuck', 'halted']);

/** Logs what a write added to the audit list, the oldest first. */
export const logAudit = (log: EventLog, before: TurnState | undefined, after: TurnState): void => {
  const [last] = before?.audit ?? [];
  const known = last === undefined ? -1 : after.audit.indexOf(last);
  const added = known < 0 ? after.audit : after.audit.slice(0, known);
  for (const { what, host, by, message } of added.toReversed())
    log.write(WARNED.has(what) ? 'warn' : 'info', EVENT_OF[what], {
      environment: after.environment,
      ...(host !== null && { host }),
      ...(by !== null && { by }),
      result: what,
      message,
    });
};
