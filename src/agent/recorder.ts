import type { EventFields, EventLevel } from '../core/events.ts';
import { isoTime } from '../core/time.ts';
import type { JournalEntry } from '../core/ports/journal.ts';
import type { AgentPorts } from './agent-ports.ts';
import type { EventName } from '../core/vocabulary/event-names.ts';
import { settledWithin } from './settled-within.ts';

/** Writes events to the log and, for people, to the history. */
export interface Recorder {
  readonly write: (level: EventLevel, event: EventName, fields: EventFields) => void;
  /** Waits until the history has every event, at most `FLUSH_MS`. Without it an ending program loses some. */
  readonly flush: () => Promise<void>;
}

const FLUSH_MS = 2_000;

/** Logs a failing history once: no decision depends on it. */
export const createRecorder = ({
  journal,
  log,
  now,
}: Pick<AgentPorts, 'journal' | 'log' | 'now'>): Recorder => {
  let hasFailed = false;
  // The journal keeps the order, so the last entry is written last.
  let last: Promise<void> = Promise.resolve();
  const append = async (entry: JournalEntry): Promise<void> => {
    const result = await journal.append(entry);
    if (!result.ok && !hasFailed) log.write('error', 'journal.failed', { message: result.error.message });
    hasFailed = !result.ok;
  };
  return {
    write: (level, event, fields) => {
      log.write(level, event, fields);
      last = append({ at: isoTime(now()), event, ...fields });
    },
    flush: () => settledWithin([last], FLUSH_MS),
  };
};

/** For an agent that only observes. */
export const SILENT_RECORDER: Recorder = { write: () => undefined, flush: () => Promise.resolve() };
