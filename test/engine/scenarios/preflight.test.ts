import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/poll.ts';
import { freePort } from '../../support/ports.ts';
import { tryAnswer } from '../../support/answer.ts';
import { deployed, isRefused, reconcile } from './preflight-scene.ts';
import { assertCode, containersOf, onlyContainer, runningIn, statusOf } from './scene.ts';

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

/** Lines that the engine refuses, and its words. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['devices: ["/dev/nvidia9"]', /nvidia9.*no such file/],
  ['cpus: 64', /Range of CPUs/i],
  ['logging: { driver: json-file, options: { nosuch: "1" } }', /unknown log opt/],
  ['logging: { driver: json-file, options: { max-size: huge } }', /invalid size/],
  ['cap_add: [NOSUCH]', /unknown capability/],
  ['stop_signal: SIGNOSUCH', /invalid signal/i],
  ['ulimits: { nosuch: 1 }', /rlimit/i],
  ['ulimits: { nofile: 1099511627776 }', /rlimit/i],
  ['sysctls: { kernel.nosuch: 1 }', /sysctl/],
];

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

  it('is refused with the words of the engine for what it does not take, and stops nothing', async () => {
    const scene = await deployed();
    const before = await onlyContainer(scene);
    for (const [line, words] of REFUSED) {
      await isRefused(scene, line, words);
      expect(await containersOf(scene)).toEqual([before]);
    }
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
