import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** On every address, as the engine publishes a port. */
const isFree = async (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });

/** Below the ports of outgoing connections (from 32768): none of those can take one between our look and its use. */
const LOWEST = 12_000;
const COUNT = 1_000;
/** Each worker has some for itself. */
const first = LOWEST + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 20) * COUNT;
const given = new Set<number>();

/** A TCP port that nobody listens on and that was not given before; `preferred` when it is free. */
export const freePort = async (preferred = randomInt(first, first + COUNT)): Promise<number> => {
  if (given.has(preferred)) return freePort();
  given.add(preferred);
  return (await isFree(preferred)) ? preferred : freePort();
};

export const freePorts = async (count: number): Promise<readonly number[]> =>
  Promise.all(Array.from({ length: count }, async () => freePort()));
