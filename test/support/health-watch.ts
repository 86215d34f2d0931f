import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The status of an answer at a port of this machine; 0 if none comes. On a connection of its own. */
export const statusAt = async (port: number, path: string, method = 'GET'): Promise<number> =>
  new Promise((resolve) => {
    const outgoing = request({ port, path, method, agent: false, timeout: 5_000 }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.on('timeout', () => outgoing.destroy()).on('error', () => resolve(0));
    outgoing.end();
  });

export interface Change {
  readonly status: number;
  readonly atMs: number;
}

export interface HealthWatch {
  /** What was answered first, and every change since. */
  readonly changes: readonly Change[];
  /** When, in milliseconds since 1970, the service did not answer although its health was 200 before and after. */
  readonly lies: readonly number[];
  readonly stop: () => Promise<void>;
}

export interface Watched {
  readonly healthPort: number;
  readonly path: string;
  /** Of the service. */
  readonly port: number;
}

/** Asks over and over what a load balancer hears, and whether that is true. */
export const watchHealth = ({ healthPort, path, port }: Watched): HealthWatch => {
  const changes: Change[] = [];
  const lies: number[] = [];
  const over = new AbortController();
  const watch = async (): Promise<void> => {
    let isDead = false;
    while (!over.signal.aborted) {
      const status = await statusAt(healthPort, path);
      const before = changes.at(-1)?.status;
      if (isDead && before === 200 && status === 200) lies.push(Date.now());
      if (status !== before) changes.push({ status, atMs: Date.now() });
      isDead = (await statusAt(port, '/')) !== 200;
      await sleep(10);
    }
  };
  const watching = watch();
  return {
    changes,
    lies,
    stop: async () => {
      over.abort();
      await watching;
    },
  };
};
