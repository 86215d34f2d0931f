import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';

/**
 * Yields the lines of a streamed response and throws its errors. readline re-emits errors of its input as
 * long as that lives, and an unhandled one ends the process: an engine that dies just after it refused a pull
 * would take the agent down.
 */
export const linesOf = (stream: Readable): Interface => {
  const lines = createInterface({ input: stream });
  for (const source of [stream, lines]) source.on('error', () => undefined);
  return lines;
};
