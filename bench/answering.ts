import type Docker from 'dockerode';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Nobody asks before the engine says that the container has started: a client that knocks while the engine
 * wires the network makes the kernel look for an address that is not there yet, and wait a second before it
 * looks again. That second would be the client's doing, on any side.
 */
export const untilServes = async (port: number, version: string): Promise<void> => {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    const signal = AbortSignal.timeout(60);
    const answer = await fetch(`http://127.0.0.1:${String(port)}/`, {
      signal,
      headers: { connection: 'close' },
    })
      .then((response) => response.text())
      .catch(() => '');
    if (answer.trimEnd() === version) return;
    await sleep(5);
  }
  throw new Error(`port ${String(port)} never answered ${version}`);
};

const START_LIMIT_MS = 120_000;

/**
 * Settles at the start of the last of so many containers of the environment. Opened before the deploy begins.
 */
export const startsOf = async (
  docker: Docker,
  environment: string,
  count = 1,
): Promise<{ readonly started: Promise<void> }> => {
  const filters = { event: ['start'], label: [`io.supercargo.environment=${environment}`] };
  const stream = (await docker.getEvents({ filters: JSON.stringify(filters) })) as unknown as Readable;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let seen = 0;
  const limit = setTimeout(() => {
    stream.destroy();
    reject(new Error(`${String(seen)} of ${String(count)} containers of ${environment} have started`));
  }, START_LIMIT_MS);
  stream.setEncoding('utf8').on('data', (text: string) => {
    seen += text.trim().split('\n').length;
    if (seen < count) return;
    clearTimeout(limit);
    stream.destroy();
    resolve();
  });
  return { started: promise };
};

export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};
