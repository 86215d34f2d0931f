import { pino, type DestinationStream } from 'pino';
import type { EventLog } from '../core/events.ts';
import { printableDocument } from '../core/printable-text.ts';

export interface LogOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
  /** Undefined if the events belong to several environments, which they then name. */
  readonly environment: string | undefined;
}

/**
 * The agent's log on standard output: one JSON line per event, for systemd's journal, or coloured lines for
 * people. Writes synchronously, because the last line before a crash is the one that is needed.
 */
export const createLog = async (options: LogOptions): Promise<EventLog> => {
  const stream =
    options.format === 'pretty'
      ? await prettyStream(options.environment !== undefined)
      : pino.destination({ fd: 1, sync: true });
  const logger = pino(
    {
      level: options.level,
      base: options.environment === undefined ? {} : { environment: options.environment },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    write: (level, event, fields = {}) => {
      // JSON escapes too little for a terminal.
      logger[level](options.format === 'pretty' ? printableDocument(fields) : fields, event);
    },
  };
};

const prettyStream = async (isOneEnvironment: boolean): Promise<DestinationStream> => {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    sync: true,
    messageKey: 'event',
    ignore: isOneEnvironment ? 'environment' : '',
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
};
