import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { READ, type Scene, scene, SECRETS_WITH_READ } from './scene.ts';

const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Everything that comes until the other side closes; what it meant by a reset is the same. */
const conversation = (
  hub: Scene,
  text: string,
): { readonly socket: Socket; readonly all: Promise<string> } => {
  const socket = connect(Number(new URL(hub.url).port), '127.0.0.1');
  sockets.push(socket);
  const state = { text: '' };
  socket.setEncoding('utf8').on('data', (chunk: string) => (state.text += chunk));
  const all = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(state.text));
    socket.on('error', () => undefined);
  });
  socket.write(text);
  return { socket, all };
};

const answered = async ({ socket }: { readonly socket: Socket }): Promise<string> =>
  new Promise((seen) => socket.once('data', (data) => seen(String(data))));

describe('a hub under attack', () => {
  const limits = { environments: 1, hosts: 1, connections: 3, archiveBytes: 1024, services: 10 };

  it('lets new connections take the place of the oldest that sent no token', async () => {
    const secrets = SECRETS_WITH_READ;
    const hub = await scene({ limits, secrets });
    const header = `Host: localhost\r\nAuthorization: Bearer ${READ}\r\n`;
    const known = conversation(hub, `GET /manifests/x.json HTTP/1.1\r\n${header}\r\n`);
    await answered(known);
    for (let count = 0; count < 50; count += 1) {
      const oldest = conversation(hub, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect(await answered(oldest)).toMatch(/^HTTP\/1\.1 200/);
    }
    expect(known.socket.destroyed).toBe(false);
    known.socket.write(`GET /healthz HTTP/1.1\r\n${header}\r\n`);
    expect(await answered(known)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('keeps a place for those with a token when many without one hold on', async () => {
    const hub = await scene({ limits });
    const flood = Array.from({ length: 20 }, () =>
      conversation(hub, 'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx'),
    );
    expect((await hub.publish('staging', 1)).status).toBe(201);
    for (const { socket } of flood) socket.destroy();
  });

  it.each(['POST /archives/x', 'PUT /archives/x.tar', 'DELETE /nowhere', 'POST /manifests/'])(
    'answers %s without a token before the body comes, and closes',
    async (request) => {
      const hub = await scene();
      const { all } = conversation(
        hub,
        `${request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n`,
      );
      expect(await all).toMatch(/^HTTP\/1\.1 40[14][^]*connection: close/i);
    },
  );

  it('answers who may not write before the body comes, and closes', async () => {
    const hub = await scene();
    const { all } = conversation(
      hub,
      'PUT /manifests/staging.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\nx',
    );
    expect(await all).toMatch(/^HTTP\/1\.1 401/);
  });

  it('refuses a body that is announced as too large before it comes', async () => {
    const hub = await scene();
    const { socket } = conversation(
      hub,
      'PUT /manifests/staging.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer publish-token-of-the-tests\r\nContent-Length: 999999999\r\n\r\nx',
    );
    const first = await new Promise<string>((seen) => socket.once('data', (data) => seen(String(data))));
    expect(first).toMatch(/^HTTP\/1\.1 413/);
  });

  it.each([
    ['nonsense', 'nonsense\r\n\r\n'],
    ['two lengths', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
    [
      'length and chunks',
      'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx',
    ],
    ['endless headers', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n'],
  ])('ends a connection that sends %s', async (_what, text) => {
    const hub = await scene();
    expect(await conversation(hub, text).all).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect((await hub.get('/healthz')).status).toBe(200);
  });

  it('says what is wrong even where there was no request', async () => {
    const hub = await scene();
    const answer = await conversation(hub, 'nonsense\r\n\r\n').all;
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code: 'malformed' } });
  });

  it('ends in time though clients hold on', async () => {
    const hub = await scene();
    const held = conversation(hub, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((seen) => held.socket.once('data', seen));
    await hub.stop();
    await held.all;
    expect(held.socket.destroyed).toBe(true);
  });
});
