import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import type { EdgeConfig, EdgeServer } from '../../src/core/edge/edge-config.ts';
import { HEALTH_BACKEND, HOST_ANSWER, type HealthAnswers } from '../../src/core/edge/health-answer.ts';
import { AGENT_ID } from './edge-start.ts';

/** Something that accepts connections at a port of the loopback address, until it is closed. */
export interface OpenPort {
  readonly port: number;
  readonly close: () => Promise<void>;
  readonly open: () => Promise<void>;
}

export const openPort = async (port: number): Promise<OpenPort> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).once('close', () => sockets.delete(socket)));
  });
  const open = async (): Promise<void> => void (await once(server.listen(port, '127.0.0.1'), 'listening'));
  await open();
  return {
    port,
    open,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server.close(), 'close');
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

/** `web` is behind the edge, and `db` publishes its port itself. */
export const healthConfig = (
  instance: string,
  hostPort: number,
  { web, db }: { readonly web: number; readonly db: number },
): EdgeConfig => {
  const server: EdgeServer = { name: '0123456789ab', address: '127.0.0.1', port: web, state: 'ready' };
  return {
    environment: 'edge-test',
    instance,
    mode: 'host',
    agentUid: AGENT_ID,
    hasIpv6: false,
    trustedProxies: [],
    longestDrainMs: 5_000,
    frontends: [{ hostAddress: '127.0.0.1', hostPort, protocol: 'http', backend: HEALTH_BACKEND }],
    backends: [{ name: 'web:8888', protocol: 'tcp', servers: [server] }],
    checks: [{ service: 'db', hostAddress: '', hostPort: db }],
  };
};

export const answersOf = (reason: string, isUp = true): HealthAnswers => {
  const answer = { isUp, sinceMs: 1_764_512_345_678, reason };
  return { [HOST_ANSWER]: answer, web: answer, db: answer };
};

/** `200 all is well`, or the code of the error, on a connection of its own. */
export const askHealth = async (port: number, path: string): Promise<string> =>
  new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
    const asked = request({ host: '127.0.0.1', port, path, agent: false, timeout: 5_000 }, (response) => {
      let body = '';
      response
        .setEncoding('utf8')
        .on('data', (part: string) => (body += part))
        .on('error', fail)
        .on('end', () => resolve(`${String(response.statusCode)} ${body.trimEnd()}`.trimEnd()));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in 5 s'))).on('error', fail);
    asked.end();
  });

export interface HealthLoad {
  /** How often each answer came by now. */
  readonly seen: () => ReadonlyMap<string, number>;
  readonly stop: () => Promise<ReadonlyMap<string, number>>;
}

/** Clients that ask these paths again and again. */
export const startHealthLoad = (port: number, paths: readonly string[]): HealthLoad => {
  const seen = new Map<string, number>();
  const ended = new AbortController();
  const loop = async (path: string): Promise<void> => {
    while (!ended.signal.aborted) {
      const answer = await askHealth(port, path);
      seen.set(answer, (seen.get(answer) ?? 0) + 1);
    }
  };
  const loops = Promise.all(paths.map(loop));
  return {
    seen: () => seen,
    stop: async () => {
      ended.abort();
      await loops;
      return seen;
    },
  };
};
