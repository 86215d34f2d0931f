import { link, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askAgent } from '../../../../src/adapters/status-socket/ask-agent.ts';
import { serveStatus } from '../../../../src/adapters/status-socket/status-server.ts';

const place = { folder: '' };
const routes = { 'GET /v1': async () => Promise.resolve({ said: 'hello' }) };

beforeEach(async () => {
  place.folder = await mkdtemp(join(tmpdir(), 'supercargo-socket-'));
});
afterEach(async () => {
  await rm(place.folder, { recursive: true });
});

/** A socket file that its listener left behind. */
const leftover = async (path: string): Promise<void> => {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(`${path}.other`, resolve);
  await promise;
  await link(`${path}.other`, path);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
};

describe('the status socket', () => {
  it('takes the place of a socket that a killed agent left', async () => {
    const path = join(place.folder, 'agent.sock');
    await leftover(path);
    const server = await serveStatus(path, routes);
    expect(await askAgent(path, 'GET', '/v1', undefined)).toEqual({ said: 'hello' });
    await server.close();
  });

  it('never replaces a file that is no socket, whatever the configuration says', async () => {
    const path = join(place.folder, 'compose.yaml');
    await writeFile(path, 'services: {}\n');
    await expect(serveStatus(path, routes)).rejects.toMatchObject({
      code: 'CONFIG',
      message: `cannot listen on ${path}: it is not a socket`,
      advice: 'name another path in SUPERCARGO_SOCKET, or move that file away',
    });
    expect(await readFile(path, 'utf8')).toBe('services: {}\n');
  });

  it('lets a caller give up on an agent that hangs', async () => {
    const path = join(place.folder, 'agent.sock');
    const hangs = { 'GET /v1': async () => new Promise(() => undefined) };
    const server = await serveStatus(path, hangs);
    const interrupted = new AbortController();
    const asked = askAgent(path, 'GET', '/v1', undefined, { signal: interrupted.signal });
    setImmediate(() => interrupted.abort());
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await server.close();
  });

  it('is for its group only', async () => {
    const path = join(place.folder, 'agent.sock');
    const server = await serveStatus(path, routes);
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    await server.close();
  });
});
