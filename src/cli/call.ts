import type { ExitCode } from '../core/status/exit-code.ts';
import type { Io } from './streams.ts';

/** What a command gets besides its arguments and options. */
export interface Call {
  readonly io: Io;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/**
 * Makes a commander action of a command's file. The file is loaded when its command runs, which keeps help
 * and version fast.
 */
export type ActionOf = (load: () => Promise<CommandFile>) => (...given: unknown[]) => Promise<void>;

interface CommandFile {
  /** `given` is what commander passes: the arguments, the options and the command. */
  readonly run: (call: Call, ...given: never[]) => Promise<ExitCode>;
}
