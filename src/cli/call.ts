import type { ExitCode } from '../core/status/exit-code.ts';
import type { Io } from './streams.ts';

/** What a command is given besides its arguments and options. */
export interface Call {
  readonly io: Io;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/**
 * Makes a commander action of the file that does the work. The file is loaded when its command is called, so
 * that help and version stay fast.
 */
export type ActionOf = (load: () => Promise<CommandFile>) => (...given: unknown[]) => Promise<void>;

interface CommandFile {
  /** `given` is what commander gives: the arguments, the options and the command. */
  readonly run: (call: Call, ...given: never[]) => Promise<ExitCode>;
}
