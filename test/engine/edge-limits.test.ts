import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENT_ID, type RunningEdge, startLocalEdge } from '../support/edge-start.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';

const message = (...lines: readonly string[]): string => [...lines, '', ''].join('\r\n');
const get = (path: string, ...more: readonly string[]): string =>
  message(`GET ${path} HTTP/1.1`, 'Host: app', 'Connection: close', ...more);
const upgrade = (path: string, ...more: readonly string[]): string =>
  message(`GET ${path} HTTP/1.1`, 'Host: app', 'Connection: Upgrade', 'Upgrade: websocket', ...more);
const some = (count: number, size: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `x${String(index)}: ${'x'.repeat(size)}`);

const ACCEPTED = message('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket');

/** What the app sends byte by byte; anything else Node.js itself answers. */
const ANSWERS: Readonly<Record<string, string>> = {
  '/coding': message('HTTP/1.1 200 OK', 'Transfer-Encoding: identity', 'Connection: close'),
  '/blank': message('HTTP/1.1 200 OK', 'X Blank: 1', 'Content-Length: 0', 'Connection: close'),
};

const KEY = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='] as const;

/** The table in docs/LIMITS.md: what is sent or answered, what comes of it directly, and through the edge. */
const ROWS: readonly (readonly [what: string, directly: string, behind: string, request: string])[] = [
  ['a request with 500 headers', '200', '200', get('/', ...some(500, 1))],
  ['a request with 15 kB of headers', '200', '200', get('/', ...some(15, 1_000))],
  ['a request with 60 kB of headers', '431', '431', get('/', ...some(58, 1_000))],
  ['an answer with 2,000 headers', '200', '200', get('/headers/2000/1')],
  ['an answer with 58 kB of headers', '200', '200', get('/headers/56/1000')],
  ['an answer with 64 kB of headers', '200', '502', get('/headers/64/1000')],
  ['`#` in the URI', '200', '400', get('/a#b')],
  ['an absolute URI whose host is not `Host`', '200', '400', get('http://other/')],
  ['the same `Host` twice', '200', '200', get('/', 'Host: app')],
  ['two different `Host`', '200', '400', get('/', 'Host: other')],
  ['a WebSocket without `Sec-WebSocket-Key`', '101', '400', upgrade('/')],
  ['a 101 without `Sec-WebSocket-Accept`', '101', '502', upgrade('/', ...KEY)],
  ['an answer with `Transfer-Encoding: identity`', '200', '502', get('/coding')],
  ['an answer with a blank in the name of a header', '200', '502', get('/blank')],
  ['the name of a header `X-Name`', 'X-Name', 'x-name', get('/names', 'X-Name: 1')],
  ['a reset in a body without a length', 'reset', 'end', get('/reset')],
];

const answerHeaders = (response: ServerResponse, [count = '', size = '']: readonly string[]): void => {
  for (const line of some(Number(count), Number(size))) response.setHeader(line.split(':')[0] ?? '', line);
  response.end();
};

/** `name: value` of each header that tells of the client, in the order of the request. */
const forwardedIn = (rawHeaders: readonly string[]): readonly string[] =>
  rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && /forwarded|real/i.test(name)
      ? [`${name.toLowerCase()}: ${rawHeaders[index + 1] ?? ''}`]
      : [],
  );

/** Resets the answer of `/reset`, once its client has the part. */
const partial = { reset: (): unknown => undefined };

const app = createServer((request, response) => {
  const { url = '', socket, rawHeaders } = request;
  const bytes = ANSWERS[url];
  if (bytes !== undefined) return void socket.end(bytes);
  if (url.startsWith('/headers/')) return answerHeaders(response, url.split('/').slice(2));
  if (url === '/names') return void response.end(rawHeaders.find((name) => /^x-name$/i.test(name)));
  if (url === '/forwarded') return void response.end(forwardedIn(rawHeaders).join('; '));
  if (url !== '/reset') return void response.end();
  socket.write(message('HTTP/1.1 200 OK', 'Connection: close'));
  socket.write('part');
  partial.reset = () => socket.resetAndDestroy();
});
app.on('upgrade', (_, socket) => socket.end(ACCEPTED));

/** The body if there is one, else the status; `reset` or `end` if the body is only a part. */
const ask = async (port: number, request: string, localAddress = '127.0.0.1'): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', localAddress }, () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.endsWith('\r\n\r\npart')) partial.reset();
    });
    const done = (how: string): void => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const [, status = how] = /^HTTP\/1\.1 (\d+)/.exec(head) ?? [];
      if (body === 'part') resolve(how);
      else resolve(status === '200' && body !== '' ? body : status);
      socket.destroy();
    };
    // HAProxy keeps the client's connection after its own 502 to an upgrade.
    socket
      .setTimeout(2_000, () => done('end'))
      .on('end', () => done('end'))
      .on('error', () => done('reset'));
  });

let edge: RunningEdge | undefined;
const ports = { app: 0, edge: 0 };
beforeAll(async () => {
  await new Promise<void>((resolve) => void app.listen(0, '127.0.0.1', resolve));
  ports.app = (app.address() as AddressInfo).port;
  ports.edge = await freePort();
  const protocol = 'http';
  const server = { name: '0123456789ab', address: '127.0.0.1', port: ports.app, state: 'ready' } as const;
  edge = await startLocalEdge({
    environment: 'edge-test',
    instance: 'e1',
    mode: 'host',
    agentUid: AGENT_ID,
    hasIpv6: false,
    longestDrainMs: 1_000,
    trustedProxies: ['127.0.0.2/32'],
    frontends: [{ hostAddress: '', hostPort: ports.edge, protocol, backend: 'web:80' }],
    backends: [{ name: 'web:80', protocol, servers: [server] }],
  });
  await eventually(async () => (await ask(ports.edge, get('/'))) === '200', {
    describe: () => 'the edge answers',
  });
});
afterAll(async () => {
  await edge?.remove();
  app.close();
});

describe('HTTP clients and apps behind the edge, beside the same app without it', () => {
  it.each(ROWS)('%s: %s, and %s', async (_, directly, behind, request) => {
    expect([await ask(ports.app, request), await ask(ports.edge, request)]).toEqual([directly, behind]);
  });

  it('are in the table of docs/LIMITS.md', () => {
    const text = readFileSync(new URL('../../docs/LIMITS.md', import.meta.url), 'utf8');
    const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    const written = rows.filter((cells) => cells.length === 5).map((cells) => cells.slice(1, 4));
    expect(written).toEqual(expect.arrayContaining(ROWS.map((row) => row.slice(0, 3))));
  });
});

describe('an app behind the edge', () => {
  const claims = [
    'X-Forwarded-For: 9.9.9.9',
    'X-Forwarded-For: 8.8.8.8',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 443',
    'Forwarded: for=9.9.9.9',
    'X_Real_IP: 9.9.9.9',
  ];

  it('is told by the edge alone who the client is', async () => {
    expect((await ask(ports.edge, get('/forwarded', ...claims))).split('; ').toSorted()).toEqual([
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-host: app',
      'x-forwarded-proto: http',
      'x-real-ip: 127.0.0.1',
    ]);
  });

  it('is told what a trusted proxy says, and that proxy last', async () => {
    const told = await ask(ports.edge, get('/forwarded', ...claims), '127.0.0.2');
    expect(told.split('; ').toSorted()).toEqual([
      'forwarded: for=9.9.9.9',
      'x-forwarded-for: 8.8.8.8, 127.0.0.2',
      'x-forwarded-port: 443',
      'x-forwarded-proto: https',
      'x_real_ip: 9.9.9.9',
    ]);
  });
});
