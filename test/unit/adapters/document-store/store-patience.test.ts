import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHttpStore } from '../../../../src/adapters/document-store/http-store.ts';
import { createPatience } from '../../../../src/adapters/document-store/store-patience.ts';

const { signal } = new AbortController();
type Answer = 'ok' | 'away' | 'no-hint' | 'cut' | 'cut-behind-proxy' | 'unchanged';

/** A store that answers one after the other, the last one again and again. */
const serve = async (answers: readonly Answer[], options: { readonly longestMs?: number } = {}) => {
  const asked: string[] = [];
  const told: string[] = [];
  const server: Server = createServer((request, response) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(request.method ?? '');
    request.resume();
    if (answer === 'cut') request.socket.destroy();
    else if (answer === 'away') response.writeHead(503, { 'retry-after': '0' }).end();
    else if (answer === 'cut-behind-proxy') response.writeHead(502).end();
    else if (answer === 'no-hint') response.writeHead(503).end();
    else response.writeHead(answer === 'unchanged' ? 412 : 200).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const base = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`);
  const patience = createPatience((message) => void told.push(message), { pauseMs: 1, ...options });
  return { store: createHttpStore({ base, authorization: undefined, tls: {}, patience }), asked, told };
};

describe('a store that is away for a moment', () => {
  it('is read again while it says that it comes back, and that is told once', async () => {
    const { store, asked, told } = await serve(['away', 'away', 'ok']);
    expect(await store.read('manifests/staging.json', signal)).toBeDefined();
    expect(asked).toHaveLength(3);
    expect(told).toEqual(['the store is away (it answers 503): trying again for up to 60 s']);
  });

  it('is read again where it has answered before, whatever ended the connection', async () => {
    const { store, asked } = await serve(['ok', 'cut', 'no-hint', 'cut-behind-proxy', 'ok']);
    await store.read('manifests/staging.json', signal);
    expect(await store.read('manifests/staging.json', signal)).toBeDefined();
    expect(asked).toHaveLength(5);
  });

  it('gets a conditional write again, and no other one', async () => {
    const { store, asked } = await serve(['ok', 'cut', 'unchanged']);
    await store.read('manifests/staging.json', signal);
    const bytes = Buffer.from('{}');
    const condition = { kind: 'unchanged', version: '"1"' } as const;
    expect(await store.write('manifests/staging.json', bytes, condition, signal)).toBe('refused');
    expect(asked).toEqual(['GET', 'PUT', 'PUT']);
    const other = await serve(['ok', 'cut', 'ok']);
    await other.store.read('manifests/staging.json', signal);
    const write = other.store.write('manifests/staging.json', bytes, { kind: 'none' }, signal);
    await expect(write).rejects.toMatchObject({ code: 'STORE' });
  });

  it('may go while the probe for conditions is removed, which may stay', async () => {
    const { store, asked } = await serve(['unchanged', 'ok', 'unchanged', 'cut']);
    expect(await store.honoursConditions('manifests/staging/probe.json', signal)).toBe(true);
    expect(asked).toEqual(['PUT', 'PUT', 'PUT', 'DELETE']);
  });

  it.each<[string, readonly Answer[]]>([
    ['was never there', ['cut', 'ok']],
    ['refuses without a hint', ['no-hint', 'ok']],
    ['is not behind its proxy', ['cut-behind-proxy', 'ok']],
  ])('fails at once where it %s', async (_what, answers) => {
    const { store, asked } = await serve(answers);
    await expect(store.read('manifests/staging.json', signal)).rejects.toMatchObject({ code: 'STORE' });
    expect(asked).toHaveLength(1);
  });

  it('fails in the end', async () => {
    const { store } = await serve(['away'], { longestMs: 20 });
    await expect(store.read('manifests/staging.json', signal)).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('503') as string,
    });
  });

  it('is given up at the end of the command', async () => {
    const { store } = await serve(['away']);
    const stop = new AbortController();
    const reading = store.read('manifests/staging.json', stop.signal);
    stop.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});
