import { connect, type Socket } from 'node:net';
import { unreachable } from './edge-error.ts';

/**
 * HAProxy's command line over a unix socket (management guide, 9.3 and 9.4): one command a connection. Traps:
 * the worker's socket closes by itself after one line, the master's only once we have closed our half; a
 * leaving worker answers only through the master; answers of `show` end in an empty line, but that of `del
 * server` (2.6) does not.
 */
export interface Runtime {
  /** To the serving worker. @throws AgentError EDGE_UNREACHABLE */
  readonly ask: (command: string, signal: AbortSignal) => Promise<string>;
  /** To the master, or with a pid to that worker, serving or leaving. @throws AgentError EDGE_UNREACHABLE */
  readonly askMaster: (command: string, signal: AbortSignal, workerPid?: number) => Promise<string>;
}

export interface RuntimeOptions {
  readonly runtimeSocket: string;
  readonly masterSocket: string;
  /** For one command; 5 s unless given. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
/** 500 bytes a server: some 30,000 of them. */
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
      if (size > MAX_BYTES) fail(new Error('it sends without end'));
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
  const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
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
 * Its queue of connections is full (ten, HAProxy's default), as when fifty services switch at once. Nothing
 * was sent yet.
 */
const isBusy = (error: Error): boolean => (error as NodeJS.ErrnoException).code === 'EAGAIN';
const BUSY_MS = 10;
