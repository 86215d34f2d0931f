import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/poll.ts';
import { freePort } from '../../support/ports.ts';
import { tryAnswer } from '../../support/answer.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import {
  assertCode,
  containersOf,
  createScene,
  onlyContainer,
  runningIn,
  statusOf,
  type Scene,
} from './scene.ts';

/** A log server that takes lines and forgets them. */
const listen = async (port: number): Promise<() => Promise<void>> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
};

/** One reconcile, and what it says of `web`. */
const reconcile = async (scene: Scene): Promise<{ code: number | null; web: Status['services'][number] }> => {
  const result = await scene.run(['once', '--json']);
  const [web] = (result.json() as Status).services;
  if (!web) throw new Error(result.stdout);
  return { code: result.code, web };
};

/** Version 1.0.0 serves. */
const deployed = async (...lines: readonly string[]): Promise<Scene> => {
  const scene = await createScene();
  await scene.compose(scene.web([scene.ports, ...lines]));
  await scene.publish({ web: (await scene.push('1.0.0')).pinned });
  assertCode(await scene.once(), 0);
  return scene;
};

describe('a stop-first switch', () => {
  it('invariant 3: stops nothing while the log server is down, and goes on when it is back', async () => {
    const port = await freePort();
    const close = await listen(port);
    const address = `tcp://127.0.0.1:${String(port)}`;
    const scene = await deployed(`logging: { driver: syslog, options: { syslog-address: "${address}" } }`);
    const before = await onlyContainer(scene);
    await close();
    await scene.publish({ web: (await scene.push('2.0.0')).pinned });
    const { code, web } = await reconcile(scene);
    expect([code, web.outcome, web.reason]).toEqual([2, 'waiting', 'back-off']);
    expect(web.message).toMatch(/failed to initialize logging driver: .*connection refused/);
    expect(await onlyContainer(scene)).toEqual(before);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    const reopened = await listen(port);
    onTestFinished(reopened);
    assertCode(await scene.once(), 0);
    expect(await runningIn(scene)).toEqual(['web 2.0.0 running']);
  });

  it.each([
    ['a device that is not there', 'devices: ["/dev/nvidia9"]', /nvidia9.*no such file/],
    ['more CPUs than there are', 'cpus: 64', /Range of CPUs/i],
    ['an unknown log driver', 'logging: { driver: nosuch }', /nosuch/],
    ['an unknown log option', 'logging: { driver: json-file, options: { nosuch: "1" } }', /unknown log opt/],
    [
      'a log option of no sense',
      'logging: { driver: json-file, options: { max-size: huge } }',
      /invalid size/,
    ],
    ['an unknown capability', 'cap_add: [NOSUCH]', /unknown capability/],
    ['an unknown signal', 'stop_signal: SIGNOSUCH', /invalid signal/i],
    ['an unknown limit', 'ulimits: { nosuch: 1 }', /rlimit/i],
    ['a limit that nobody may have', 'ulimits: { nofile: 1099511627776 }', /rlimit/i],
    ["a kernel setting that is the host's", 'sysctls: { kernel.nosuch: 1 }', /sysctl/],
  ])('is refused with the words of the engine for %s, and stops nothing', async (_, line, words) => {
    const scene = await deployed();
    const before = await onlyContainer(scene);
    await scene.compose(scene.web([scene.ports, line]));
    const { code, web } = await reconcile(scene);
    expect([code, web.outcome, web.reason]).toEqual([3, 'blocked', 'engine']);
    expect(web.message).toMatch(words);
    expect(web.advice).toMatch(/correct the compose file/);
    expect(web.until).toBeNull();
    expect(await containersOf(scene)).toEqual([before]);
  });

  it('does not try again what the engine refuses, until it is told to', async () => {
    const scene = await deployed();
    await scene.agent();
    await scene.compose(scene.web([scene.ports, 'devices: ["/dev/nvidia9"]']));
    const now = async (): Promise<string> => (await scene.run(['status'])).stdout;
    const refusals = async (): Promise<number> =>
      (await scene.run(['history'])).stdout.split('\n').filter((l) => /action\.failed/.test(l)).length;
    await eventually(async () => (await statusOf(scene)).status.services[0]?.reason === 'engine', {
      describe: now,
    });
    expect(await refusals()).toBe(1);
    const retry = await scene.run(['retry', 'web']);
    expect([retry.code, retry.stdout]).toEqual([0, 'web is tried again\n']);
    await eventually(async () => (await refusals()) === 2, { describe: now });
  });
});
