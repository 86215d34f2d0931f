import type { ExitCode } from '../core/status/exit-code.ts';
import type { Io } from './streams.ts';

/** What main hands to every command. */
export interface Cli {
  readonly io: Io;
  /**
   * Runs a command's action to its end: signals abort it, errors are reported, its exit code becomes the
   * program's.
   */
  readonly run: (
    action: (signal: AbortSignal) => Promise<ExitCode>,
    options?: { readonly json?: boolean | undefined },
  ) => Promise<void>;
}
