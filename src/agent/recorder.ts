import type { EventFields, EventLevel } from '../core/events.ts';
import { isoTime } from '../core/time.ts';
import type { JournalEntry } from '../core/ports/journal.ts';
import type { AgentPorts } from './agent-ports.ts';
import type { EventName } from '../core/vocabulary/event-names.ts';

/** Writes events to the log and, for people, to the history. */
export interface Recorder {
  readonly write: (level: EventLevel, event: EventName, fields: EventFields) => void;
}

/** Logs a failing history once: no decision depends on it. */
export const createRecorder = ({
  journal,
  log,
  now,
}: Pick<AgentPorts, 'journal' | 'log' | 'now'>): Recorder => {
  let hasFailed = false;
  const append = async (entry: JournalEntry): Promise<void> => {
    const result = await journal.append(entry);
    if (!result.ok && !hasFailed) log.write('error', 'journal.failed', { message: result.error.message });
    hasFailed = !result.ok;
  };
  return {
    write: (level, event, fields) => {
      log.write(level, event, fields);
      void append({ at: isoTime(now()), event, ...fields });
    },
  };
};

/** For an agent that only observes. */
export const SILENT_RECORDER: Recorder = { write: () => undefined };
