import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WriteCondition } from '../../src/core/ports/document-store.ts';
import type { ReportedRollout } from '../../src/core/turns/read-rollout.ts';
import { createMemoryStore } from './memory-store.ts';

export interface StoreServer {
  readonly url: string;
  readonly documents: Map<string, Uint8Array>;
  /** The answer to `GET /rollouts/ENV`; undefined for a server that knows no such address. */
  rollout: (() => ReportedRollout) | undefined;
  /** The addresses of every PUT, with their queries. */
  readonly puts: readonly string[];
  readonly close: () => Promise<void>;
}

const conditionIn = (match: string | undefined, noneMatch: string | undefined): WriteCondition => {
  if (noneMatch !== undefined) return { kind: 'absent' };
  return match === undefined ? { kind: 'none' } : { kind: 'unchanged', version: match };
};

/** A store over HTTP as publishers see it, in memory, with a rollout that the test chooses. */
export const startStoreServer = async (): Promise<StoreServer> => {
  const store = createMemoryStore();
  const { signal } = new AbortController();
  const puts: string[] = [];
  const server = createServer((request, response) => {
    const answer = (status: number, body: string | Uint8Array = '', etag?: string): void => {
      response.writeHead(status, etag === undefined ? {} : { etag }).end(body);
    };
    const handle = async (body: Uint8Array): Promise<void> => {
      const { method, url = '', headers } = request;
      const path = new URL(url, 'http://store').pathname.slice(1);
      if (path.startsWith('rollouts/'))
        return scene.rollout ? answer(200, JSON.stringify(scene.rollout())) : answer(404);
      if (method === 'PUT') {
        puts.push(url);
        const condition = conditionIn(headers['if-match'], headers['if-none-match']);
        return answer((await store.write(path, body, condition, signal)) === 'written' ? 204 : 412);
      }
      if (method === 'DELETE') return answer((await store.remove(path, signal)) ? 204 : 404);
      if (path.endsWith('/'))
        return answer(200, JSON.stringify({ names: await store.list(path.slice(0, -1), signal) }));
      const found = await store.read(path, signal);
      return found ? answer(200, found.bytes, found.version) : answer(404);
    };
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void handle(Buffer.concat(chunks)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scene: StoreServer = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    documents: store.documents,
    rollout: undefined,
    puts,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return scene;
};
