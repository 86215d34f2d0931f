import { mkdtemp, rm } from 'node:fs/promises';
import { type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { codeOf, createAdapterBench, never } from '../support/adapter-bench.ts';
import { eventually } from '../support/poll.ts';

const bench = createAdapterBench();
const { docker, socketPath, environment, scope, engineWith, started, observed, unique } = bench;

beforeAll(async () => bench.prepare());
afterEach(async () => bench.clean());
afterAll(async () => bench.end());

/** Every line of the list says that its container is five minutes old: only a young one is looked at every time. */
const ageLines = (): void => {
  const list = docker.listContainers.bind(docker);
  vi.spyOn(Docker.prototype, 'listContainers').mockImplementation(async (options) => {
    const lines = await list(options);
    return lines.map((line) => ({
      ...line,
      Status: line.Status.replace(/Less than a second|\d+ seconds?/, '5 minutes'),
    }));
  });
};
afterEach(() => void vi.restoreAllMocks());

describe('an observation', () => {
  it('sees at once what a young container does, without events', async () => {
    const container = await started('network_mode: none');
    await docker.getContainer(container.id).update({ RestartPolicy: { Name: 'always' } });
    expect((await observed(container.name)).detail?.restart.name).toBe('always');
    await docker.getContainer(container.id).stop({ t: 2 });
    expect((await observed(container.name)).state).toBe('exited');
  });

  it('of an old container sees a restart at once, and a change that no line shows with an event or the 20th look', async () => {
    ageLines();
    const on = engineWith();
    const container = await started('network_mode: bridge\nrestart: always', on);
    const byHand = docker.getContainer(container.id);
    const restartOf = async (): Promise<string | undefined> =>
      (await observed(container.name, on)).detail?.restart.name;

    await byHand.update({ RestartPolicy: { Name: 'no' } });
    expect(await restartOf()).toBe('always');
    const looks = await eventually(
      (() => {
        let count = 0;
        return async () => ((count += 1), (await restartOf()) === 'no' && count);
      })(),
      { everyMs: 1, describe: () => 'a full look' },
    );
    expect(looks).toBeLessThanOrEqual(20);

    const stop = new AbortController();
    let events = 0;
    const watching = on.watch(() => (events += 1), stop.signal);
    await eventually(
      async () => {
        // Until the stream is open, nothing is heard.
        await byHand.update({ RestartPolicy: { Name: 'unless-stopped' } });
        return events > 0;
      },
      { describe: () => 'an event' },
    );
    expect(await restartOf()).toBe('unless-stopped');
    stop.abort();
    await watching;

    const before = await observed(container.name, on);
    await byHand.restart({ t: 2 });
    const { detail } = await observed(container.name, on);
    expect(detail?.startedAtMs).toBeGreaterThan(before.detail?.startedAtMs ?? Infinity);
  });
});

/** A socket that passes everything on to the engine, until it is cut. */
const cuttable = async (): Promise<{ path: string; cut: () => void; close: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-socket-'));
  const path = join(folder, 'docker.sock');
  const sockets = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connect(socketPath);
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
