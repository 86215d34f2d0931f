import { Agent, request } from 'node:http';
import { type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoadResult {
  readonly requests: number;
  /** What went wrong, with the kind of request. */
  readonly failed: readonly string[];
  /** Of the quick ones, in milliseconds. */
  readonly p50Ms: number;
  readonly slowestMs: number;
}

export interface Load {
  /** Who answered the last requests, one of each client. */
  readonly lastAnswers: () => readonly string[];
  readonly stop: () => Promise<LoadResult>;
}

interface Answer {
  readonly status: number;
  readonly app: string;
  readonly body: string;
}

const send = async (port: number, method: string, path: string, agent: Agent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, agent, timeout: 10_000 },
      (incoming) => {
        const app = String(incoming.headers['x-app'] ?? '');
        text(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, app, body }), reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')));
    outgoing.on('error', reject);
    outgoing.end(method === 'POST' ? 'payload' : undefined);
  });

const KINDS = [
  { kind: 'kept GET', method: 'GET', path: '/', isKept: true },
  { kind: 'kept GET', method: 'GET', path: '/', isKept: true },
  { kind: 'GET', method: 'GET', path: '/', isKept: false },
  { kind: 'GET', method: 'GET', path: '/', isKept: false },
  { kind: 'kept POST', method: 'POST', path: '/', isKept: true },
  { kind: 'POST', method: 'POST', path: '/', isKept: false },
  { kind: 'slow GET', method: 'GET', path: '/slow', isKept: true },
] as const;

/** One client for each kind, one request at a time with a pause of 2 ms: some 500 requests a second. */
export const startLoad = (port: number): Load => {
  const failed: string[] = [];
  const times: number[] = [];
  const last = new Map<number, string>();
  let requests = 0;
  const over = new AbortController();
  const client = async (
    index: number,
    { kind, method, path, isKept }: (typeof KINDS)[number],
  ): Promise<void> => {
    const agent = new Agent({ keepAlive: isKept, maxSockets: 1 });
    while (!over.signal.aborted) {
      const start = performance.now();
      try {
        const { status, app, body } = await send(port, method, path, agent);
        if (status !== 200 || body !== (method === 'POST' ? 'payload' : app))
          failed.push(`${kind}: ${String(status)} ${body}`);
        last.set(index, app);
      } catch (error) {
        failed.push(`${kind}: ${String(error)}`);
      }
      requests += 1;
      if (path === '/') times.push(performance.now() - start);
      await sleep(2);
    }
    agent.destroy();
  };
  const clients = KINDS.map(async (kind, index) => client(index, kind));
  return {
    lastAnswers: () => [...new Set(last.values())].toSorted(),
    stop: async () => {
      over.abort();
      await Promise.all(clients);
      const sorted = times.toSorted((a, b) => a - b);
      const p50Ms = sorted[Math.floor(sorted.length / 2)] ?? 0;
      return { requests, failed, p50Ms, slowestMs: sorted.at(-1) ?? 0 };
    },
  };
};

export interface OpenStream {
  /** Bytes so far. */
  readonly received: () => number;
  readonly send: (words: string) => void;
  readonly isOpen: () => boolean;
  readonly close: () => void;
}

const openSocket = (port: number, head: string): OpenStream => {
  const socket: Socket = connect(port, '127.0.0.1');
  let bytes = 0;
  let isOpen = true;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.on('error', () => undefined);
  socket.once('end', () => (isOpen = false));
  socket.once('close', () => (isOpen = false));
  socket.write(head);
  return {
    received: () => bytes,
    send: (words) => void socket.write(words),
    isOpen: () => isOpen,
    close: () => void socket.destroy(),
  };
};

const head = (lines: readonly string[]): string => [...lines, 'Host: edge', '', ''].join('\r\n');

export const openWebSocket = (port: number): OpenStream =>
  openSocket(
    port,
    head([
      'GET /ws HTTP/1.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]),
  );

export const openEvents = (port: number): OpenStream => openSocket(port, head(['GET /events HTTP/1.1']));

/** A connection that was used once and is kept. */
export const openKept = (port: number): OpenStream => openSocket(port, head(['GET / HTTP/1.1']));
