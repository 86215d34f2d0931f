import type { EventName } from './vocabulary/event-names.ts';

export type EventFields = Readonly<Record<string, unknown>>;

/** Info: a change. Debug: a quiet tick. Warn: it passes by itself. Error: a person must act. */
export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export interface EventLog {
  readonly write: (level: EventLevel, event: EventName, fields?: EventFields) => void;
}
