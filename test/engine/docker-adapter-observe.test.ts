import { mkdtemp, rm } from 'node:fs/promises';
import { type Socket, connect as connectTo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Ask } from '../../src/adapters/docker/engine-call.ts';
import { connect } from '../../src/adapters/docker/connect.ts';
import { createObserver } from '../../src/adapters/docker/observer.ts';
import { codeOf, createAdapterBench, never } from '../support/adapter-bench.ts';
import { eventually } from '../support/poll.ts';

const bench = createAdapterBench();
const { docker, socketPath, environment, scope, engineWith, started, observed, unique } = bench;

beforeAll(async () => bench.prepare());
afterEach(async () => bench.clean());
afterAll(async () => bench.end());

/** Every line of the list says that its container is five minutes old: only a young one is looked at every time. */
const aged = (ask: Ask): Ask => ({
  ...ask,
  bytes: async (path, signal) =>
    Buffer.from((await ask.text(path, signal)).replace(/Less than a second|\d+ seconds?/g, '5 minutes')),
});

describe('an observation', () => {
  it('sees at once what a young container does, without events', async () => {
    const container = await started('network_mode: none');
    await docker.getContainer(container.id).update({ RestartPolicy: { Name: 'always' } });
    expect((await observed(container.name)).detail?.restart.name).toBe('always');
    await docker.getContainer(container.id).stop({ t: 2 });
    expect((await observed(container.name)).state).toBe('exited');
  });

  it('of an old container sees a restart at once, and a change that no line shows once an event has named it', async () => {
    const { ask } = await connect({ kind: 'unix', socketPath });
    const observer = createObserver(aged(ask), await bench.engine.facts());
    const { id } = await started('network_mode: bridge\nrestart: always');
    const byHand = docker.getContainer(id);
    const detailNow = async () =>
      (await observer.observe(scope, never)).containers.find((c) => c.id === id)?.detail;

    expect((await detailNow())?.restart.name).toBe('always');
    await byHand.update({ RestartPolicy: { Name: 'no' } });
    expect((await detailNow())?.restart.name).toBe('always');
    observer.forgetContainer(id);
    const before = await detailNow();
    expect(before?.restart.name).toBe('no');

    await byHand.restart({ t: 2 });
    expect((await detailNow())?.startedAtMs).toBeGreaterThan(before?.startedAtMs ?? Infinity);
  });
});

/** A socket that passes everything on to the engine, until it is cut. */
const cuttable = async (): Promise<{ path: string; cut: () => void; close: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-socket-'));
  const path = join(folder, 'docker.sock');
  const sockets = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connectTo(socketPath);
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    inner.pipe(outer).pipe(inner);
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const close = async (): Promise<void> => {
    cut();
    server.close();
    await rm(folder, { recursive: true });
  };
  return { path, cut, close };
};

describe('watching', () => {
  it('ends when the stream is cut, and when it is told to; an engine that is gone is ENGINE_OFFLINE', async () => {
    const between = await cuttable();
    const on = engineWith(undefined, between.path);
    let events = 0;
    const heard = async (): Promise<boolean> => {
      await docker.createVolume({ Name: `${environment}_${unique()}` });
      return events > 0;
    };
    const cut = on.watch(() => (events += 1), never);
    await eventually(heard, { describe: () => 'an event' });
    between.cut();
    await cut;

    events = 0;
    const stop = new AbortController();
    const told = on.watch(() => (events += 1), stop.signal);
    await eventually(heard, { describe: () => 'an event' });
    stop.abort();
    await told;

    await between.close();
    expect(await codeOf(on.observe(scope, never))).toBe('ENGINE_OFFLINE');
    expect(await codeOf(on.watch(() => undefined, never))).toBe('ENGINE_OFFLINE');
  });
});
