import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';

/**
 * The lines of an answer that comes bit by bit; whoever reads them is told of an error. Trap: readline passes
 * on errors of its input for as long as that lives, and an error that nobody reads any more ends the program:
 * an engine that dies a moment after it refused a pull would take us with it.
 */
export const linesOf = (stream: Readable): Interface => {
  const lines = createInterface({ input: stream });
  for (const source of [stream, lines]) source.on('error', () => undefined);
  return lines;
};
