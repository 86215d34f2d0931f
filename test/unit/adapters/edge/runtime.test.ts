import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../../../../src/adapters/edge/runtime.ts';

const never = new AbortController().signal;

describe('the runtime socket', () => {
  let folder: string;
  let server: Server | undefined;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supercargo-runtime-'));
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    if (server) await once(server.close(), 'close');
    server = undefined;
    await rm(folder, { recursive: true });
  });

  const runtime = (timeoutMs = 5_000): Runtime => {
    const path = join(folder, 'edge.sock');
    return createRuntime({ runtimeSocket: path, masterSocket: path, timeoutMs });
  };
  const listen = async (onConnection: (socket: Socket) => void, backlog = 511): Promise<void> => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    server.listen({ path: join(folder, 'edge.sock'), backlog });
    await once(server, 'listening');
  };

  it('gives the whole answer of a worker, which ends by itself', async () => {
    await listen((socket) =>
      socket.once('data', (line) => {
        socket.write(`you said ${line.toString()}`);
        setImmediate(() => socket.end('and more'));
      }),
    );
    expect(await runtime().ask('show info', never)).toBe('you said show info\nand more');
  });

  it('closes its half towards the master, which answers only then', async () => {
    await listen((socket) => {
      let line = '';
      socket.on('data', (chunk) => (line += chunk.toString()));
      socket.once('end', () => socket.end(`you said ${line}`));
    });
    expect(await runtime().askMaster('show proc', never)).toBe('you said show proc\n');
    expect(await runtime().askMaster('show info', never, 17)).toBe('you said @!17 show info\n');
  });

  it('waits for its turn where more ask at once than the socket queues', async () => {
    await listen((socket) => socket.once('data', (line) => socket.end(line)), 1);
    const { ask } = runtime();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(`show ${String(i)}`, never)));
    expect(answers).toEqual(answers.map((_, i) => `show ${String(i)}\n`));
  });

  it.each<[string, ((socket: Socket) => void) | undefined, RegExp]>([
    ['nobody listens', undefined, /does not answer at .*edge\.sock: it does not run/],
    ['it says nothing in time', () => undefined, /no answer within 0\.05 s/],
    [
      'it talks for ever',
      (socket) => void setInterval(() => socket.write('x'), 5).unref(),
      /no answer within 0\.05 s/,
    ],
  ])('is unreachable where %s', async (_, onConnection, message) => {
    if (onConnection) await listen(onConnection);
    await expect(runtime(50).ask('show info', never)).rejects.toMatchObject({
      code: 'EDGE_UNREACHABLE',
      retry: 'later',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is left as soon as the signal says so', async () => {
    const abort = new AbortController();
    const connected = Promise.withResolvers<Socket>();
    await listen(connected.resolve);
    const asked = runtime().ask('show info', abort.signal);
    const closed = once(await connected.promise, 'close');
    sockets.forEach((socket) => socket.resume().once('end', () => socket.end()));
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    await closed;
    await expect(runtime().ask('show info', abort.signal)).rejects.toThrow('enough');
  });
});
