import { Agent, request } from 'node:http';
import { type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoadResult {
  readonly requests: number;
  /** What went wrong, with the time and the kind of request. */
  readonly failed: readonly string[];
  /** Answers by app; without those of the edge itself. */
  readonly answers: Readonly<Record<string, number>>;
  /** Of the quick ones: when they began, in milliseconds since 1970, and how long they took. */
  readonly samples: readonly (readonly [atMs: number, tookMs: number])[];
  /** Of the quick ones, in milliseconds. */
  readonly p50Ms: number;
  readonly slowestMs: number;
}

export interface Load {
  /** Who answered the last requests, one of each client. */
  readonly lastAnswers: () => readonly string[];
  /** Requests answered so far. */
  readonly answered: () => number;
  readonly stop: () => Promise<LoadResult>;
}

interface Answer {
  readonly status: number;
  readonly app: string;
  readonly body: string;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

const send = async (place: Place, method: string, path: string, agent: Agent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ ...place, method, path, agent, timeout: 10_000 }, (incoming) => {
      const app = String(incoming.headers['x-app'] ?? '');
      text(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, app, body }), reject);
    });
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

/** One client for each kind, one request at a time with a pause: with 2 ms some 500 requests a second. */
export const startLoad = (port: number, { host = '127.0.0.1', pauseMs = 2 } = {}): Load => {
  const failed: string[] = [];
  const samples: (readonly [number, number])[] = [];
  const answers: Record<string, number> = {};
  const last = new Map<number, string>();
  let requests = 0;
  const over = new AbortController();
  const fail = (kind: string, what: string): void =>
    void failed.push(`${new Date().toISOString().slice(11, 23)} ${kind}: ${what}`);
  const client = async (
    index: number,
    { kind, method, path, isKept }: (typeof KINDS)[number],
  ): Promise<void> => {
    const agent = new Agent({ keepAlive: isKept, maxSockets: 1 });
    while (!over.signal.aborted) {
      const [atMs, start] = [Date.now(), performance.now()];
      try {
        const { status, app, body } = await send({ host, port }, method, path, agent);
        if (status !== 200 || body !== (method === 'POST' ? 'payload' : app))
          fail(kind, `${String(status)} ${body.split('\n', 1)[0] ?? ''}`);
        if (app !== '') answers[app] = (answers[app] ?? 0) + 1;
        last.set(index, app);
      } catch (error) {
        fail(kind, String(error));
      }
      requests += 1;
      if (path === '/') samples.push([atMs, performance.now() - start]);
      await sleep(pauseMs);
    }
    agent.destroy();
  };
  const clients = KINDS.map(async (kind, index) => client(index, kind));
  return {
    lastAnswers: () => [...new Set(last.values())].toSorted(),
    answered: () => requests,
    stop: async () => {
      over.abort();
      await Promise.all(clients);
      const sorted = samples.map(([, tookMs]) => tookMs).toSorted((a, b) => a - b);
      const p50Ms = sorted[Math.floor(sorted.length / 2)] ?? 0;
      return { requests, failed, answers, samples, p50Ms, slowestMs: sorted.at(-1) ?? 0 };
    },
  };
};

export interface OpenStream {
  /** Bytes so far. */
  readonly received: () => number;
  readonly send: (words: string) => void;
  readonly isOpen: () => boolean;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

const openSocket = (port: number, head: string, host = '127.0.0.1'): OpenStream => {
  const socket: Socket = connect(port, host);
  let bytes = 0;
  let isOpen = true;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'close'])
      socket.once(event, () => {
        isOpen = false;
        resolve();
      });
  });
  socket.write(head);
  return {
    received: () => bytes,
    send: (words) => void socket.write(words),
    isOpen: () => isOpen,
    ended,
    close: () => void socket.destroy(),
  };
};

const head = (lines: readonly string[]): string => [...lines, 'Host: edge', '', ''].join('\r\n');

export const openWebSocket = (port: number, host?: string): OpenStream =>
  openSocket(
    port,
    head([
      'GET /ws HTTP/1.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]),
    host,
  );

export const openEvents = (port: number, host?: string): OpenStream =>
  openSocket(port, head(['GET /events HTTP/1.1']), host);

/** A connection that was used once and is kept. */
export const openKept = (port: number): OpenStream => openSocket(port, head(['GET / HTTP/1.1']));
