import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createProbe } from '../../../src/adapters/probe.ts';

const probe = createProbe();
const never = new AbortController().signal;

describe('probe', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  const listen = async (server: Server): Promise<number> => {
    servers.push(server);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const listenHttp = async (listener: RequestListener): Promise<string> =>
    `http://127.0.0.1:${await listen(createHttpServer(listener))}/health`;
  const freePort = async (): Promise<number> => {
    const port = await listen(createServer());
    await Promise.all(servers.splice(0).map((server) => once(server.close(), 'close')));
    return port;
  };

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => once(server.close(), 'close')));
  });

  it.each<[string, (socket: Socket) => void]>([
    ['a server that waits for the client', () => undefined],
    ['a server that speaks first, then ends', (socket) => socket.end('220 ready\r\n')],
  ])('tcp: %s is good', async (_, onConnection) => {
    const port = await listen(createServer(onConnection));
    expect(await probe.tcp('127.0.0.1', port, 2000, never)).toEqual({ ok: true });
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('tcp: a proxy that accepts for nobody and closes at once is not good', async () => {
    const port = await listen(createServer((socket) => socket.end()));
    expect(await probe.tcp('127.0.0.1', port, 2000, never)).toEqual({
      ok: false,
      detail: 'the connection was closed at once',
    });
  });

  it('tcp and http: a port on which nothing listens is not good', async () => {
    const port = await freePort();
    const refused = { ok: false, detail: 'the connection was refused' };
    expect([
      await probe.tcp('127.0.0.1', port, 2000, never),
      await probe.tcp('localhost', port, 2000, never),
      await probe.http(`http://127.0.0.1:${port}/`, 2000, never),
    ]).toEqual([refused, refused, refused]);
  });

  it.each([
    [200, { ok: true }],
    [204, { ok: true }],
    [302, { ok: true }],
    [404, { ok: false, detail: 'it answered 404' }],
    [503, { ok: false, detail: 'it answered 503' }],
  ])('http: the answer %i', async (status, expected) => {
    const seen: string[] = [];
    const url = await listenHttp((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    expect(await probe.http(url, 2000, never)).toEqual(expected);
    expect(seen).toEqual(['GET /health']);
  });

  it('http: sends the headers that are given, and the name that the app knows', async () => {
    const seen: unknown[] = [];
    const url = await listenHttp(({ headers }, response) => {
      seen.push([headers.host, headers['x-forwarded-proto'], headers['user-agent']]);
      response.writeHead(headers.host === 'www.example.com' ? 200 : 400).end();
    });
    const headers = { host: 'www.example.com', 'x-forwarded-proto': 'https' };
    expect(await probe.http(url, 2000, never, headers)).toEqual({ ok: true });
    expect(await probe.http(url, 2000, never)).toEqual({ ok: false, detail: 'it answered 400' });
    expect(seen[0]).toEqual(['www.example.com', 'https', 'supercargo']);
  });

  it('http: does not wait for an endless body, and leaves no connection behind', async () => {
    const url = await listenHttp((_, response) => response.writeHead(200).write('x'));
    expect(await probe.http(url, 2000, never)).toEqual({ ok: true });
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('http: gives up on a server that does not answer', async () => {
    const url = await listenHttp(() => undefined);
    expect(await probe.http(url, 50, never)).toEqual({
      ok: false,
      detail: 'there was no answer within 0.05 s',
    });
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('http: what does not speak HTTP is not good', async () => {
    const port = await listen(createServer((socket) => socket.end('220 smtp\r\n')));
    expect(await probe.http(`http://127.0.0.1:${port}/`, 2000, never)).toMatchObject({ ok: false });
  });

  it('http: an address that is none rejects instead of throwing', async () => {
    await expect(probe.http('https://127.0.0.1/', 50, never)).rejects.toThrow(
      'Protocol "https:" not supported',
    );
  });

  it('ends with the reason of the signal, before or meanwhile', async () => {
    const reason = new Error('stopping');
    const url = await listenHttp(() => undefined);
    const controller = new AbortController();
    const attempt = probe.http(url, 5000, controller.signal);
    setImmediate(() => controller.abort(reason));
    await expect(attempt).rejects.toBe(reason);
    await expect(probe.tcp('127.0.0.1', 1, 5000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
