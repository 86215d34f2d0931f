import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { exchange } from '../../../src/io/http.ts';

/** A server that answers every connection by itself. */
const serve = async (onConnection: (socket: Socket) => void): Promise<URL> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => onConnection(socket));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`);
};

const get = async (url: URL): Promise<string> => {
  const request = { url, headers: {}, timeouts: { connectMs: 5000, responseMs: 30_000 } };
  const { body } = await exchange(request, () => 100, new AbortController().signal);
  return body.toString();
};

const HINT = 'HTTP/1.1 103 Early Hints\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

it('waits for the answer behind a few interim ones', async () => {
  expect(await get(await serve((socket) => socket.end(HINT.repeat(3) + ANSWER)))).toBe('ok');
});

it('gives up a server that sends interim answers without end', async () => {
  const sent = { bytes: 0 };
  const url = await serve((socket) => {
    const more = (): void => {
      sent.bytes += 65_536;
      if (!socket.destroyed) socket.write(HINT.repeat(2500), more);
    };
    more();
  });
  await expect(get(url)).rejects.toThrow('interim answers without end');
  expect(sent.bytes).toBeLessThan(64 * 65_536);
});
