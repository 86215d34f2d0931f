import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createHttpServer, type TlsFiles } from '../../../src/hub/http/http-server.ts';
import { handshakeLate } from '../../../src/hub/http/late-handshake.ts';
import { createCertificate } from '../../support/certificate.ts';
import { eventually } from '../../support/poll.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];

const listen = async (server: Server): Promise<number> => {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

const open = async (port: number): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
};

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
});

/** Reads as TLS does: at the next tick, all that has arrived before. */
const createReader = () => {
  const pieces: Buffer[] = [];
  const accepted: Socket[] = [];
  const accept = (socket: Socket): void => {
    accepted.push(socket);
    process.nextTick(() => {
      for (let piece = socket.read(); piece !== null; piece = socket.read()) pieces.push(piece as Buffer);
    });
  };
  return { pieces, accepted, server: createServer(accept) };
};

describe('a late handshake', () => {
  it('hands the first bytes over in pieces that fit into the smallest buffer of TLS', async () => {
    const { pieces, server } = createReader();
    handshakeLate(server, 10_000);
    const client = await open(await listen(server));
    const hello = Buffer.from(Array.from({ length: 2500 }, (_, at) => at % 251));
    client.write(hello);
    await eventually(() => Buffer.concat(pieces).length === hello.length, {
      describe: () =>
        `all ${String(hello.length)} bytes are read, there are ${String(Buffer.concat(pieces).length)}`,
    });
    expect(Buffer.concat(pieces)).toEqual(hello);
    expect(pieces.map(({ length }) => length)).toEqual([1000, 1000, 500]);
  });

  it('does not begin for a client that sends nothing, and closes its connection', async () => {
    const { accepted, server } = createReader();
    handshakeLate(server, 20);
    const client = await open(await listen(server));
    await once(client.resume(), 'close');
    expect(accepted).toEqual([]);
  });

  it.each([
    ['ends', (client: Socket) => client.end()],
    ['is reset', (client: Socket) => client.resetAndDestroy()],
  ])('survives a connection that %s before its first byte', async (_name, leave) => {
    const { accepted, pieces, server } = createReader();
    handshakeLate(server, 10_000);
    const port = await listen(server);
    const arrived = once(server, 'connection');
    const client = await open(port);
    const [connection] = (await arrived) as [Socket];
    leave(client.resume());
    await eventually(() => connection.destroyed, { describe: () => 'the connection is closed' });
    (await open(port)).write('next');
    await eventually(() => pieces.length === 1, { describe: () => 'the next client is read' });
    expect(accepted).toHaveLength(1);
  });
});

describe('a hub with TLS', () => {
  const state: { tls: TlsFiles } = { tls: { cert: '', key: '' } };
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'supercargo-late-'));
    const { cert, key } = await createCertificate(folder, 'hub');
    state.tls = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    await rm(folder, { recursive: true });
  });

  const startEcho = (): Promise<number> => {
    const { server } = createHttpServer((asked, answer) => void asked.pipe(answer), {
      tls: state.tls,
      connections: 10,
    });
    return listen(server);
  };

  const echo = async (port: number, body: Buffer): Promise<Buffer> => {
    const sent = request({ port, host: '127.0.0.1', method: 'POST', ca: state.tls.cert, agent: false });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    return buffer(answer);
  };

  it.each([
    ['one that fits into a piece', 10],
    ['one of many pieces', 300_000],
  ])('answers a request: %s', async (_name, bytes) => {
    const body = Buffer.from(Array.from({ length: bytes }, (_, at) => at % 251));
    expect(await echo(await startEcho(), body)).toEqual(body);
  });

  it('answers a client whose first bytes come one at a time', async () => {
    const port = await startEcho();
    const relay = createServer((near) => {
      const far = connect({ port, host: '127.0.0.1', noDelay: true });
      sockets.push(near, far);
      far.pipe(near);
      near.once('data', (hello: Buffer) => {
        near.pause();
        const sendFrom = (at: number): void => {
          if (at === 20) {
            far.write(hello.subarray(at));
            near.pipe(far);
          } else far.write(hello.subarray(at, at + 1), () => setImmediate(sendFrom, at + 1));
        };
        sendFrom(0);
      });
    });
    expect(String(await echo(await listen(relay), Buffer.from('hello')))).toBe('hello');
  });
});
