import { stat } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EdgeAction } from '../../src/core/edge/edge-action.ts';
import type {
  EdgeConfig,
  EdgeProtocol,
  EdgeServer,
  EdgeServerState,
  EdgeState,
} from '../../src/core/edge/edge-config.ts';
import { renderConfig } from '../../src/core/edge/render-haproxy.ts';
import { sharedDocker } from '../support/context.ts';
import { type EdgeApp, startEdgeApp } from '../support/edge-app.ts';
import { buildEdgeImage } from '../support/edge-image.ts';
import { openEvents, openKept, openWebSocket, startLoad } from '../support/edge-load.ts';
import {
  AGENT_ID,
  type RunningEdge,
  type StartEdge,
  startContainerEdge,
  startLocalEdge,
} from '../support/edge-start.ts';
import { loadImage } from '../support/images.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';

const IMAGE = 'supercargo-edge-test:runtime';
const BACKEND = 'web:8888';
const OLD = '0123456789ab';
const NEW = 'ba9876543210';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
beforeAll(async () => loadImage(sharedDocker(), [IMAGE], await buildEdgeImage()));
afterAll(async () => sharedDocker().getImage(IMAGE).remove());

const startContainer: StartEdge = async (...args) => startContainerEdge(sharedDocker(), IMAGE)(...args);

const app = async (name: string): Promise<EdgeApp> => {
  const started = await startEdgeApp(name);
  cleanups.push(started.kill);
  return started;
};

const serverOf = (name: string, { port }: EdgeApp): EdgeServer => ({
  name,
  address: '127.0.0.1',
  port,
  state: 'ready',
});

const configOf = (
  ports: readonly number[],
  servers: readonly EdgeServer[],
  protocol: EdgeProtocol = 'http',
): EdgeConfig => ({
  environment: 'edge-test',
  instance: 'e1',
  mode: 'host',
  agentUid: AGENT_ID,
  hasIpv6: false,
  trustedProxies: [],
  longestDrainMs: 30_000,
  frontends: ports.map((hostPort) => ({ hostAddress: '', hostPort, protocol, backend: BACKEND })),
  backends: [{ name: BACKEND, protocol, servers }],
});

const look = async ({ edge }: RunningEdge): Promise<EdgeState> => edge.observe(AbortSignal.timeout(5_000));
const act = async ({ edge }: RunningEdge, action: EdgeAction): Promise<void> =>
  edge.apply(action, AbortSignal.timeout(20_000));
const sessionsOf = async (running: RunningEdge, name: string): Promise<number | undefined> =>
  (await look(running)).servers.find((server) => server.name === name)?.sessions;

const untilUp = async (running: RunningEdge, names: readonly string[]): Promise<EdgeState> =>
  eventually(
    async () => {
      const state = await look(running);
      const good = state.servers.filter(({ check }) => check === 'L4OK').map(({ name }) => name);
      return names.every((name) => good.includes(name)) && state;
    },
    { everyMs: 20, describe: () => `${names.join(' and ')} are L4OK in ${running.folder}` },
  );

const timed = async (step: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await step();
  return Math.round(performance.now() - start);
};

const begin = async (
  start: StartEdge,
  config: EdgeConfig,
  predecessor?: RunningEdge,
): Promise<RunningEdge> => {
  const running = await start(config, predecessor);
  cleanups.push(running.remove);
  await untilUp(
    running,
    config.backends.flatMap(({ servers }) => servers.map(({ name }) => name)),
  );
  return running;
};

/** The answer on a new connection, or why there is none. */
const ask = async (at: number): Promise<string> =>
  fetch(`http://127.0.0.1:${String(at)}/`, { headers: { connection: 'close' } }).then(
    async (answer) => answer.text(),
    (error: Error) => (error.cause as NodeJS.ErrnoException).code ?? '',
  );

describe.each([
  ['a plain program', startLocalEdge],
  ['a container on the host network', startContainer],
])('the edge as %s', (kind, start) => {
  it('switches from one container to the next without a lost request, and counts what stays', async () => {
    const [oldApp, newApp, port] = [await app('old'), await app('new'), await freePort()];
    const running = await begin(start, configOf([port], [serverOf(OLD, oldApp)]));
    const load = startLoad(port);
    const [socket, stream] = [openWebSocket(port), openEvents(port)];
    cleanups.push(load.stop, async () => Promise.resolve([socket.close(), stream.close()]));
    await eventually(() => socket.received() > 0 && stream.received() > 0, {
      describe: () => 'streams open',
    });

    const add = { kind: 'edge-add-server', backend: BACKEND, server: serverOf(NEW, newApp) } as const;
    const addMs = await timed(async () => act(running, add));
    await act(running, add);
    const goodMs = await timed(async () => untilUp(running, [OLD, NEW]));
    expect((await look(running)).servers.map(({ name, admin }) => [name, admin])).toEqual([
      [OLD, 'ready'],
      [NEW, 'drain'],
    ]);
    expect(load.lastAnswers()).toEqual(['old']);

    await act(running, { kind: 'edge-set-state', backend: BACKEND, server: NEW, state: 'ready' });
    await act(running, { kind: 'edge-set-state', backend: BACKEND, server: OLD, state: 'drain' });
    const next = configOf([port], [serverOf(NEW, newApp)]);
    const writeMs = await timed(async () => act(running, { kind: 'edge-write', config: next }));
    expect(await running.edge.written(AbortSignal.timeout(5_000))).toBe(renderConfig(next));

    await eventually(() => load.lastAnswers().join() === 'new', {
      describe: () => 'only the new one answers',
    });
    await eventually(async () => (await sessionsOf(running, OLD)) === 2, {
      describe: () => 'the two streams are all that is left',
    });
    const [echoed, events] = [socket.received(), stream.received()];
    socket.send('still here');
    await eventually(() => socket.received() === echoed + 10 && stream.received() > events, {
      describe: () => 'both streams go on while they drain',
    });

    await act(running, { kind: 'edge-cut-sessions', backend: BACKEND, server: OLD });
    await eventually(() => !socket.isOpen() && !stream.isOpen(), { describe: () => 'the streams are cut' });
    const remove = { kind: 'edge-remove-server', backend: BACKEND, server: OLD } as const;
    const removeMs = await timed(async () => act(running, remove));
    await act(running, remove);
    await oldApp.kill();
    expect((await look(running)).servers.map(({ name }) => name)).toEqual([NEW]);

    const { requests, failed, p50Ms, slowestMs } = await load.stop();
    expect(failed).toEqual([]);
    console.log(
      `${kind}: ${String(requests)} requests, 0 failed, p50 ${p50Ms.toFixed(2)} ms, slowest ${slowestMs.toFixed(1)} ms; add ${String(addMs)} ms, L4OK after ${String(goodMs)} ms, write and check ${String(writeMs)} ms, remove ${String(removeMs)} ms`,
    );
  });

  it('goes back to the draining container when the new one has died: who comes then only waits', async () => {
    const [oldApp, newApp, port] = [await app('old'), await app('new'), await freePort()];
    const running = await begin(start, configOf([port], [serverOf(OLD, oldApp)]));
    const setState = async (server: string, state: EdgeServerState): Promise<void> =>
      act(running, { kind: 'edge-set-state', backend: BACKEND, server, state });
    await act(running, { kind: 'edge-add-server', backend: BACKEND, server: serverOf(NEW, newApp) });
    await untilUp(running, [NEW]);
    await setState(NEW, 'ready');
    await setState(OLD, 'drain');
    // What the app had in its hands, or unread in its socket, is lost with it, behind an edge or not; nothing else is.
    await newApp.kill();
    const load = startLoad(port);
    cleanups.push(load.stop);
    await setState(OLD, 'ready');
    await setState(NEW, 'maint');
    await eventually(() => load.lastAnswers().join() === 'old', { describe: () => 'the old one answers' });
    await act(running, { kind: 'edge-remove-server', backend: BACKEND, server: NEW });
    const { requests, failed, slowestMs } = await load.stop();
    expect(failed).toEqual([]);
    console.log(
      `${kind}: back under ${String(requests)} requests, 0 failed, slowest ${slowestMs.toFixed(1)} ms`,
    );
  });

  it('keeps a tcp connection on its container, counted until it ends', async () => {
    const [oldApp, newApp, port] = [await app('old'), await app('new'), await freePort()];
    const running = await begin(start, configOf([port], [serverOf(OLD, oldApp)], 'tcp'));
    const kept = openKept(port);
    await eventually(() => kept.received() > 0, { describe: () => 'the first answer came' });
    await act(running, { kind: 'edge-add-server', backend: BACKEND, server: serverOf(NEW, newApp) });
    await untilUp(running, [NEW]);
    await act(running, { kind: 'edge-set-state', backend: BACKEND, server: NEW, state: 'ready' });
    await act(running, { kind: 'edge-set-state', backend: BACKEND, server: OLD, state: 'drain' });
    expect(await sessionsOf(running, OLD)).toBe(1);
    kept.close();
    await eventually(async () => (await sessionsOf(running, OLD)) === 0, {
      describe: () => 'it is counted out',
    });
    const answer = await fetch(`http://127.0.0.1:${String(port)}/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toBe('new');
  });

  it('loses no request of busy tcp connections whose app ends each with an answer', async () => {
    const [oldApp, newApp, port] = [await app('old'), await app('new'), await freePort()];
    const running = await begin(start, configOf([port], [serverOf(OLD, oldApp)], 'tcp'));
    const load = startLoad(port);
    cleanups.push(load.stop);
    await eventually(() => load.answered() > 100, { describe: () => 'the clients are busy' });
    await act(running, { kind: 'edge-add-server', backend: BACKEND, server: serverOf(NEW, newApp) });
    await untilUp(running, [NEW]);
    await act(running, { kind: 'edge-set-state', backend: BACKEND, server: NEW, state: 'ready' });
    await act(running, { kind: 'edge-set-state', backend: BACKEND, server: OLD, state: 'drain' });
    oldApp.leave();
    await eventually(async () => (await sessionsOf(running, OLD)) === 0, { describe: () => 'all are ended' });
    await eventually(() => load.lastAnswers().join() === 'new', { describe: () => 'the new one answers' });
    expect((await load.stop()).failed).toEqual([]);
  });

  it('closes a port for new connections alone, until another edge opens it again', async () => {
    const [only, port, other] = [await app('only'), await freePort(), await freePort()];
    const config = configOf([port, other], [serverOf(OLD, only)]);
    const first = await begin(start, config);
    const socket = openWebSocket(port);
    cleanups.push(async () => Promise.resolve(socket.close()));
    await eventually(() => socket.received() > 0, { describe: () => 'the stream is open' });
    const close = { kind: 'edge-close-port', frontend: { hostAddress: '', hostPort: port } } as const;
    await act(first, close);
    await act(first, close);
    expect([await ask(port), await ask(other)]).toEqual(['ECONNREFUSED', 'only']);
    expect((await look(first)).frontends.map(({ hostPort }) => hostPort)).toEqual([other]);
    const received = socket.received();
    socket.send('still here');
    await eventually(() => socket.received() === received + 10, { describe: () => 'the stream goes on' });
    await begin(start, { ...config, instance: 'e2' }, first);
    await first.leave();
    expect([await ask(port), await ask(other)]).toEqual(['only', 'only']);
  });

  it.each([
    ['closes', (socket: Socket) => void socket.end()],
    ['is reset', (socket: Socket) => void socket.resetAndDestroy()],
  ])('tells the app that a client has left whose connection %s', async (_how, leave) => {
    const [only, port] = [await app('only'), await freePort()];
    await begin(start, configOf([port], [serverOf(OLD, only)]));
    const clients = Array.from({ length: 200 }, () => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write('GET /never HTTP/1.1\r\nHost: edge\r\n\r\n');
      return socket;
    });
    cleanups.push(async () => Promise.resolve(clients.forEach((socket) => socket.destroy())));
    const describeHeld = async (): Promise<string> => `the app holds ${String(await only.connections())}`;
    await eventually(async () => (await only.connections()) >= clients.length, { describe: describeHeld });
    clients.forEach(leave);
    const left = async (): Promise<boolean> => (await only.connections()) === 0;
    expect(await eventually(left, { describe: describeHeld })).toBe(true);
  });

  it('answers a tcp client that has closed its half', async () => {
    const port = await freePort();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined).resume();
      socket.once('end', () => setTimeout(() => socket.end('whole'), 300));
    });
    cleanups.push(async () => Promise.resolve(server.close()));
    const behind = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
    const target = { name: OLD, address: '127.0.0.1', port: behind, state: 'ready' } as const;
    await begin(start, configOf([port], [target], 'tcp'));
    const answers = Array.from({ length: 20 }, async () => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.end('question');
      return text(socket);
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['whole']));
  });

  it('comes back with the servers of the file when it was killed, and its sockets belong to the agent', async () => {
    const [oldApp, newApp, port] = [await app('old'), await app('new'), await freePort()];
    const running = await begin(start, configOf([port], [serverOf(OLD, oldApp)]));
    await act(running, { kind: 'edge-add-server', backend: BACKEND, server: serverOf(NEW, newApp) });
    await untilUp(running, [NEW]);
    const drained: EdgeServer = { ...serverOf(OLD, oldApp), state: 'drain' };
    const config = configOf([port], [drained, serverOf(NEW, newApp)]);
    await act(running, { kind: 'edge-write', config });
    const gapMs = await timed(async () => {
      await running.crash();
      await eventually(async () => (await fetch(`http://127.0.0.1:${String(port)}/`)).ok, {
        everyMs: 5,
        describe: () => 'the port answers again',
      });
    });
    const after = await eventually(
      async () => {
        const state = await look(running);
        return state.servers.some(({ name, admin }) => name === OLD && admin === 'maint') && state;
      },
      { describe: () => 'the file says what is served' },
    );
    expect(after.servers.map(({ name, port: at, admin }) => [name, at, admin])).toEqual([
      [OLD, oldApp.port, 'maint'],
      [NEW, newApp.port, 'ready'],
    ]);
    for (const name of ['e1.runtime.sock', 'e1.master.sock']) {
      const { uid, mode } = await stat(join(running.folder, 'run', name));
      expect([uid, mode & 0o777]).toEqual([AGENT_ID, 0o660]);
    }
    await act(running, { kind: 'edge-set-state', backend: BACKEND, server: OLD, state: 'ready' });
    await untilUp(running, [OLD, NEW]);
    console.log(`${kind}: answers ${String(gapMs)} ms after it was killed`);
  });

  it('is replaced by another one beside it without a lost request', async () => {
    const [only, port, more] = [await app('only'), await freePort(), await freePort()];
    const first = await begin(start, configOf([port], [serverOf(OLD, only)]));
    const load = startLoad(port);
    const socket = openWebSocket(port);
    cleanups.push(load.stop, async () => Promise.resolve(socket.close()));
    await eventually(() => socket.received() > 0, { describe: () => 'the stream is open' });

    const next: EdgeConfig = { ...configOf([port, more], [serverOf(OLD, only)]), instance: 'e2' };
    const second = await begin(start, next, first);
    const [left, right] = [await look(first), await look(second)];
    expect(new Set(right.frontends.map(({ hostPort }) => hostPort))).toEqual(new Set([port, more]));
    expect(left.shape).not.toBe(right.shape);

    const leaveMs = await timed(async () => {
      await first.leave();
      await eventually(async () => (await sessionsOf(first, OLD)) === 1, { describe: () => 'one is left' });
    });
    expect(await look(first)).toMatchObject({ isLeaving: true, frontends: [] });
    const received = socket.received();
    socket.send('still here');
    await eventually(() => socket.received() === received + 10, { describe: () => 'the stream goes on' });
    socket.close();
    await eventually(async () => !(await first.isRunning()), { describe: () => 'the first one ends' });
    const { requests, failed, slowestMs } = await load.stop();
    expect(failed).toEqual([]);
    // Its command still names the first one, which is gone.
    await second.crash();
    await eventually(async () => (await fetch(`http://127.0.0.1:${String(more)}/`)).ok, {
      describe: () => 'the second one comes back by itself',
    });
    console.log(
      `${kind}: replaced under ${String(requests)} requests, 0 failed, slowest ${slowestMs.toFixed(1)} ms, left to its stream after ${String(leaveMs)} ms`,
    );
  });
});
