import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { onTestFinished } from 'vitest';

/** One answer on the wire. `cut`: the connection ends before all of it was sent. */
export interface Lie {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly cut: boolean;
}

export const told = (body: unknown, headers: Lie['headers'] = {}): Lie => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
  cut: false,
});

const wrongStatus = fc.constantFrom(204, 301, 400, 401, 403, 404, 409, 429, 500, 503);
const headers = fc.dictionary(
  fc.constantFrom(
    'retry-after',
    'www-authenticate',
    'docker-content-digest',
    'etag',
    'location',
    'content-type',
  ),
  fc.constantFrom(
    '',
    '5',
    '-1',
    '1e999',
    'Bearer realm="x"',
    'Basic realm="x"',
    'Bearer',
    'text/html',
    '"a"',
    'http://[',
    '//x',
    'sha256:0',
  ),
);

/** Mostly the body alone is wrong: what says an error is seldom read any further. */
export const lie = (body: fc.Arbitrary<Buffer>): fc.Arbitrary<Lie> =>
  fc.record({
    status: fc.oneof({ arbitrary: fc.constant(200), weight: 6 }, { arbitrary: wrongStatus, weight: 1 }),
    headers: fc.oneof({ arbitrary: fc.constant({}), weight: 3 }, { arbitrary: headers, weight: 1 }),
    body,
    cut: fc.oneof({ arbitrary: fc.constant(false), weight: 8 }, { arbitrary: fc.constant(true), weight: 1 }),
  });

export interface LyingServer {
  /** Called for every request from now on. Undefined: 404. */
  answer: (method: string, path: string) => Lie | undefined;
  readonly socketPath: string;
  /** `127.0.0.1:PORT` where it listens on a port. */
  readonly address: string;
  /** Ends the connections on which nobody waits for an answer. */
  readonly endIdle: () => void;
}

const send = (response: ServerResponse, { status, headers: extra, body, cut }: Lie): void => {
  response.writeHead(status, { ...extra, ...(cut && { 'content-length': String(body.length + 10) }) });
  if (!cut) return void response.end(body);
  response.write(body, () => response.destroy());
};

/** A real server for one test, on a unix socket or on a port, whose answers are what a test makes up. */
export const startLyingServer = async (on: 'socket' | 'port'): Promise<LyingServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-fuzz-'));
  const state: { answer: LyingServer['answer'] } = { answer: () => undefined };
  const server = createServer((request: IncomingMessage, response) => {
    request.resume();
    const found = state.answer(request.method ?? '', request.url ?? '');
    if (found) send(response, found);
    else response.writeHead(404).end('{"message":"no such thing"}');
  });
  // As engines and registries do it; a client that closes each connection would run out of ports.
  server.keepAliveTimeout = 60_000;
  const socketPath = join(folder, 'server.sock');
  await new Promise<void>((resolve) => {
    if (on === 'socket') server.listen(socketPath, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  return Object.assign(state, {
    socketPath,
    address: `127.0.0.1:${String(port)}`,
    endIdle: () => server.closeIdleConnections(),
  });
};
