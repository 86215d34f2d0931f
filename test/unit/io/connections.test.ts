import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createConnections, type Connections } from '../../../src/io/connections.ts';
import { exchange, type HttpRequest } from '../../../src/io/http.ts';
import { eventually } from '../../support/poll.ts';
import { createCertificate } from '../../support/certificate.ts';
import { createFolder, serve, serveTls } from '../adapters/manifest-source/server.ts';

const signal = new AbortController().signal;
const timeouts = { connectMs: 5000, responseMs: 5000 };

const keep = (): Connections => {
  const connections = createConnections();
  onTestFinished(connections.close);
  return connections;
};

const count = (server: Server, event: 'connection' | 'secureConnection'): { connections: number } => {
  const seen = { connections: 0 };
  server.on(event, () => (seen.connections += 1));
  return seen;
};

const ask = async (url: string, request: Partial<HttpRequest>, most = 100): Promise<string> => {
  const { status, body } = await exchange(
    { url: new URL(url), headers: {}, timeouts, ...request },
    () => most,
    signal,
  );
  return `${String(status)} ${body.toString()}`.trim();
};

it('one connection serves one request after the other, whatever is read of the answers', async () => {
  const answers: RequestListener[] = [
    (_, response) => response.end('body'),
    (_, response) => response.writeHead(304).end(),
    (_, response) => response.writeHead(204).end(),
    (_, response) => response.writeHead(404, { 'content-length': 4 }).end('none'),
    (_, response) => response.end('last'),
  ];
  const { url, server } = await serve((request, response) => answers.shift()?.(request, response));
  const seen = count(server, 'connection');
  const connections = keep();
  expect(await ask(url, { connections })).toBe('200 body');
  expect(await ask(url, { connections }, 0)).toBe('304');
  expect(await ask(url, { connections, method: 'PUT', body: '{}' }, 0)).toBe('204');
  expect(await ask(url, { connections }, 0)).toBe('404');
  expect(await ask(url, { connections })).toBe('200 last');
  expect(seen.connections).toBe(1);
});

it('a body that is longer than what is read of it ends its connection', async () => {
  const { url, server } = await serve((_, response) => response.end('x'.repeat(100_000)));
  const seen = count(server, 'connection');
  const connections = keep();
  expect(await ask(url, { connections }, 0)).toBe('200');
  expect(await ask(url, { connections }, 3)).toBe('200 xxxx');
  expect(await ask(url, { connections }, 200_000)).toHaveLength(100_004);
  expect(seen.connections).toBe(3);
});

it('requests side by side have a connection each, of which two stay open', async () => {
  const held: (() => void)[] = [];
  const { url, server } = await serve((_, response) => held.push(() => response.end('ok')));
  const seen = count(server, 'connection');
  const connections = keep();
  const round = async (): Promise<void> => {
    const asked = [1, 2, 3].map(() => ask(url, { connections }));
    await eventually(() => held.length === 3, { everyMs: 2, describe: () => 'three requests' });
    for (const answer of held.splice(0)) answer();
    expect(await Promise.all(asked)).toEqual(['200 ok', '200 ok', '200 ok']);
  };
  await round();
  await eventually(
    async () => {
      const open = await new Promise<number>((resolve) => server.getConnections((_, n) => resolve(n)));
      return open === 2;
    },
    { everyMs: 2, describe: () => 'two connections stay open' },
  );
  await round();
  expect(seen.connections).toBe(4);
});

it.each(['GET', 'PUT'] as const)(
  'a %s on a connection that the server has just closed is repeated once, on a new one',
  async (method) => {
    const sockets = new Set<Socket>();
    const state = { requests: 0 };
    const { url } = await serve((request, response) => {
      state.requests += 1;
      // The kept connection ends in the moment in which a request comes on it.
      if (sockets.has(request.socket)) request.socket.destroy();
      else response.end('ok');
      sockets.add(request.socket);
    });
    const connections = keep();
    const request = { connections, method, ...(method === 'PUT' && { body: '{}' }) };
    expect(await ask(url, request)).toBe('200 ok');
    expect(await ask(url, request)).toBe('200 ok');
    expect(state.requests).toBe(3);
    expect(sockets.size).toBe(2);
  },
);

it('a new connection that breaks is not repeated', async () => {
  const { url, requests } = await serve((request) => request.socket.destroy());
  await expect(ask(url, { connections: keep() })).rejects.toThrow('socket hang up');
  expect(requests).toHaveLength(1);
});

it('a request that is given up ends its connection, and no other one', async () => {
  const { url, requests, server } = await serve((request, response) => {
    if (request.url?.endsWith('?held') !== true) response.end('ok');
  });
  const seen = count(server, 'connection');
  const connections = keep();
  await ask(url, { connections });
  const end = new AbortController();
  const held = { url: new URL(`${url}?held`), headers: {}, timeouts, connections };
  const giving = exchange(held, () => 100, end.signal);
  await eventually(() => requests.length === 2, { everyMs: 2, describe: () => 'the server has it' });
  const closed = once(requests[1]?.socket ?? server, 'close');
  const other = ask(url, { connections });
  end.abort();
  await expect(giving).rejects.toThrow('aborted');
  await closed;
  expect(await other).toBe('200 ok');
  expect(await ask(url, { connections })).toBe('200 ok');
  expect(seen.connections).toBe(2);
});

it('with TLS there is one handshake, and a new one once the certificates have changed', async () => {
  const folder = await createFolder();
  const { cert, key } = await createCertificate(folder, 'server');
  const [ca, serverKey] = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
  const other = await readFile((await createCertificate(folder, 'other')).cert, 'utf8');
  const { url, server } = await serveTls({ cert: ca, key: serverKey }, (_, response) => response.end('ok'));
  const seen = count(server, 'secureConnection');
  const connections = keep();
  const tls = { certificateAuthority: ca };
  expect([await ask(url, { connections, tls }), await ask(url, { connections, tls })]).toEqual([
    '200 ok',
    '200 ok',
  ]);
  expect(seen.connections).toBe(1);
  const renewed = { certificateAuthority: `${ca}\n` };
  expect(await ask(url, { connections, tls: renewed })).toBe('200 ok');
  expect(seen.connections).toBe(2);
  await expect(ask(url, { connections, tls: { certificateAuthority: other } })).rejects.toThrow(
    /certificate/,
  );
  await eventually(
    async () => {
      const open = await new Promise<number>((resolve) => server.getConnections((_, n) => resolve(n)));
      return open === 0;
    },
    { everyMs: 2, describe: () => 'no connection of the old certificates is left' },
  );
});

it('a program ends with connections open', async () => {
  const { url } = await serve((_, response) => response.end('ok'));
  const modules = ['connections', 'http'].map(
    (file) => new URL(`../../../src/io/${file}.ts`, import.meta.url).href,
  );
  const script = `const { createConnections } = await import(${JSON.stringify(modules[0])});
    const { exchange } = await import(${JSON.stringify(modules[1])});
    const request = { url: new URL(${JSON.stringify(url)}), headers: {}, timeouts: {}, connections: createConnections() };
    await exchange(request, () => 10, new AbortController().signal);`;
  // A program that does not end is killed, and rejects.
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 50_000,
  });
  expect(await run).toMatchObject({ stdout: '' });
});
