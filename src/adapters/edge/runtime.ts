import { connect, type Socket } from 'node:net';
import { unreachable } from './edge-error.ts';

/**
 * HAProxy's runtime API over a unix socket (management guide, 9.3 and 9.4), one command per connection. The
 * worker closes its socket after one line, the master only once we close our half. A leaving worker answers
 * only through the master. Answers of `show` end in an empty line, but that of `del server` (2.6) does not.
 */
export interface Runtime {
  /** Asks the serving worker. @throws AgentError EDGE_UNREACHABLE */
  readonly ask: (command: string, signal: AbortSignal) => Promise<string>;
  /** Asks the master, or the worker with this pid. @throws AgentError EDGE_UNREACHABLE */
  readonly askMaster: (command: string, signal: AbortSignal, workerPid?: number) => Promise<string>;
}

export interface RuntimeOptions {
  readonly runtimeSocket: string;
  readonly masterSocket: string;
  /** For one command; 5 s unless given. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
/** Enough for 30,000 servers of 500 bytes each. */
const MAX_BYTES = 16 * 1024 * 1024;

export const createRuntime = (options: RuntimeOptions): Runtime => {
  const { runtimeSocket, masterSocket, timeoutMs = TIMEOUT_MS } = options;
  return {
    ask: (command, signal) =>
      exchange(runtimeSocket, (socket) => socket.write(`${command}\n`), timeoutMs, signal),
    askMaster: (command, signal, workerPid) => {
      const line = workerPid === undefined ? `${command}\n` : `@!${workerPid} ${command}\n`;
      return exchange(masterSocket, (socket) => socket.end(line), timeoutMs, signal);
    },
  };
};

const exchange = async (
  path: string,
  send: (socket: Socket) => unknown,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> => {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (cause: unknown): void => reject(unreachable(path, cause));
  const chunks: Buffer[] = [];
  let size = 0;
  let again: NodeJS.Timeout | undefined;
  const open = (): Socket => {
    const next = connect({ path });
    next.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_BYTES) fail(new Error('its answer has more than 16 MiB'));
    });
    next.once('connect', () => send(next));
    next.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    next.on('error', (error) => {
      if (!isBusy(error)) fail(error);
      else
        again = setTimeout(() => {
          socket = open();
        }, BUSY_MS);
    });
    return next;
  };
  let socket = open();
  const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearTimeout(again);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
};

/**
 * The socket's queue is full (ten connections, HAProxy's default), for example when fifty services switch at
 * once. Nothing was sent yet.
 */
const isBusy = (error: Error): boolean => (error as NodeJS.ErrnoException).code === 'EAGAIN';
const BUSY_MS = 10;
