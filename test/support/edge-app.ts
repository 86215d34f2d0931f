import { createHash } from 'node:crypto';
import { type ServerResponse, createServer } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** RFC 6455, 1.3. */
const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface EdgeApp {
  readonly name: string;
  readonly port: number;
  /** How many connections it holds. */
  readonly connections: () => Promise<number>;
  /** Takes no new connection, and ends each one that is open with its next answer, as an app does that loses nothing. */
  readonly leave: () => void;
  /** Everything at once, as the kernel does for an app that was killed. */
  readonly kill: () => Promise<void>;
}

const events = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let count = 0;
  const timer = setInterval(() => response.write(`data: ${String((count += 1))}\n\n`), 20);
  response.once('close', () => clearInterval(timer));
};

/** `GET /` its name, `GET /slow` after 300 ms, `GET /never` nothing, `POST /` the body, `GET /events` a stream, an upgrade echoes. */
export const startEdgeApp = async (name: string): Promise<EdgeApp> => {
  const upgraded = new Set<Duplex>();
  let isLeaving = false;
  const server = createServer((request, response) => {
    response.setHeader('x-app', name);
    if (isLeaving) response.setHeader('connection', 'close');
    if (request.url === '/events') return events(response);
    if (request.url === '/never') return;
    if (request.method === 'POST') return void request.pipe(response);
    void sleep(request.url === '/slow' ? 300 : 0).then(() => response.end(name));
  });
  server.on('upgrade', (request, socket) => {
    const key = createHash('sha1').update(`${request.headers['sec-websocket-key'] ?? ''}${WEBSOCKET}`);
    const accept = key.digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    upgraded.add(socket);
    socket.on('error', () => undefined).once('close', () => upgraded.delete(socket));
    socket.pipe(socket);
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  return {
    name,
    port,
    connections: async () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    leave: () => {
      isLeaving = true;
      // That of an HTTP server also cuts connections that only seem to be idle.
      NetServer.prototype.close.call(server);
    },
    kill: async () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
};
