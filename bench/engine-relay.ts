import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

/** What went to the engine. */
export interface Sent {
  readonly bytes: number;
  /** `GET /v1.41/containers/json`, in their order. */
  readonly calls: readonly string[];
}

export interface EngineRelay {
  readonly dockerHost: string;
  /** Since the last time that this was asked. */
  readonly taken: () => Sent;
  readonly close: () => Promise<void>;
}

const REQUEST = /^([A-Z]+ \/[^ ?]*)\S* HTTP\/1\.1\r\n/gm;

/** A socket in front of the engine's that counts. */
export const startEngineRelay = async (dockerHost: string, path: string): Promise<EngineRelay> => {
  const sockets = new Set<Socket>();
  let sent = { bytes: 0, calls: [] as string[] };
  const server = createServer((inner) => {
    const outer = connect(dockerHost.replace('unix://', ''));
    inner.on('data', (chunk: Buffer) => {
      sent.bytes += chunk.length;
      sent.calls.push(...[...chunk.toString('latin1').matchAll(REQUEST)].map(([, call]) => call ?? ''));
    });
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    }
    inner.pipe(outer).pipe(inner);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(path, resolve);
  await promise;
  return {
    dockerHost: `unix://${path}`,
    taken: () => {
      const before = sent;
      sent = { bytes: 0, calls: [] };
      return before;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(path, { force: true });
    },
  };
};
