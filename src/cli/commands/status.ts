import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import { readPaths } from '../../config/paths.ts';
import { exitCodeOf, type ExitCode } from '../../core/status/exit-code.ts';
import type { Status } from '../../core/status/status-document.ts';
import type { Call } from '../call.ts';
import { terminalOf, toJson, writeJson, type Io } from '../streams.ts';
import { renderStatus } from '../render/status-text.ts';
import { delay } from '../../agent/wake.ts';

/** Reads the daemon's status, or observes the host if no daemon runs. */
export const readStatus = async (io: Io, signal: AbortSignal): Promise<Status> => {
  const answer = await askAgent(readPaths(io.env).socketPath, 'GET', '/status', undefined, { signal });
  if (answer !== undefined) return answer as Status;
  // Loaded only without a running agent, because it is most of the program.
  const { observeLocally } = await import('../wiring/observe-locally.ts');
  const { agent } = await observeLocally(io, { fetch: false, strict: false }, signal);
  return agent.status();
};

const WATCH_MS = 500;
const CLEAR = '\u001B[H\u001B[J';

const watch = async (io: Io, isJson: boolean, signal: AbortSignal): Promise<ExitCode> => {
  let shown = '';
  for (;;) {
    const status = await readStatus(io, signal);
    const screen = terminalOf(io);
    const text = isJson ? toJson(status) : renderStatus(status, screen, Date.now());
    // Appends to a log, but redraws a terminal.
    const key = isJson ? JSON.stringify({ ...status, at: '' }) : text;
    if (key !== shown) io.stdout.write(!isJson && screen.columns !== undefined ? CLEAR + text : text);
    shown = key;
    await delay(WATCH_MS, signal);
    if (signal.aborted) return exitCodeOf(status, true);
  }
};

export const run = async (
  { io, signal }: Call,
  options: { json?: boolean; watch?: boolean },
): Promise<ExitCode> => {
  if (options.watch === true) return watch(io, options.json === true, signal);
  const status = await readStatus(io, signal);
  if (options.json === true) writeJson(io, status);
  else io.stdout.write(renderStatus(status, terminalOf(io), Date.now()));
  return exitCodeOf(status, true);
};
