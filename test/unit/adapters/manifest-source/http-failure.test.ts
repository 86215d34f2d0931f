import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { errorOf, failure, sourceOf, UNCHANGED } from './fetched.ts';
import { serve } from './server.ts';

/** A server that says exactly these bytes, for answers that node:http would not send. */
const serveRaw = async (answer: (socket: Socket) => void): Promise<string> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      answer(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/manifest.json`;
};

describe('an answer that is cut short', () => {
  it.each<[string, (socket: Socket) => void]>([
    [
      'of its announced length',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nserial: 4'),
    ],
    [
      'of its last chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nserial: 4\r\n'),
    ],
    [
      'by a reset',
      (socket) =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx', () => socket.resetAndDestroy()),
    ],
    ['in its head', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
    ['before it began', (socket) => socket.destroy()],
    ['and is no HTTP', (socket) => socket.end('SSH-2.0-server\r\n')],
  ])('fails, to be tried again: %s', async (_, answer) => {
    const fetched = await sourceOf(await serveRaw(answer))();
    expect(fetched).toMatchObject(failure('MANIFEST_UNREACHABLE', /^cannot read http:/));
    expect(errorOf(fetched).retry).toBe('later');
  });

  it('leaves the last document and its ETag as they were', async () => {
    let isBroken = false;
    const { url, requests } = await serve((_, response) => {
      if (!isBroken) response.setHeader('etag', '"one"').end('body');
      else
        response
          .writeHead(200, { 'content-length': 100, etag: '"two"' })
          .write('short', () => response.destroy());
    });
    const fetchNow = sourceOf(url);
    await fetchNow();
    isBroken = true;
    expect((await fetchNow()).kind).toBe('failed');
    isBroken = false;
    expect(await fetchNow()).toEqual(UNCHANGED);
    expect(requests[2]?.headers['if-none-match']).toBe('"one"');
  });
});

describe('a server that is slow', () => {
  const limits = { connectMs: 1000, responseMs: 60, requestMs: 150 };

  it('fails when no answer begins in time', async () => {
    const { url } = await serve(() => undefined);
    const fetched = await sourceOf(url, { timeouts: { ...limits, requestMs: 10_000 } })();
    expect(fetched).toMatchObject(failure('MANIFEST_UNREACHABLE', /Timeout awaiting … for 60ms/));
  });

  it('fails when a trickle does not end in time', async () => {
    const { url } = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    const fetched = await sourceOf(url, { timeouts: limits })();
    expect(fetched).toMatchObject(failure('MANIFEST_UNREACHABLE', /0\.15 s|150ms/));
  });

  it('fails when redirects together take too long', async () => {
    const { url } = await serve((request, response) => {
      const next = `${request.url ?? ''}x`;
      setTimeout(() => response.writeHead(302, { location: next }).end(), 50);
    });
    const fetched = await sourceOf(url, { timeouts: { ...limits, responseMs: 1000 } })();
    expect(fetched).toMatchObject(failure('MANIFEST_UNREACHABLE', /no complete answer within 0\.15 s/));
  });

  it('is left at once when the agent ends', async () => {
    const abort = new AbortController();
    const { url } = await serve(() => {
      abort.abort(new Error('the agent ends'));
    });
    await expect(sourceOf(url)(abort.signal)).rejects.toThrow('the agent ends');
    await expect(sourceOf(url)(abort.signal)).rejects.toThrow('the agent ends');
  });
});

describe('an answer that is no manifest', () => {
  it.each([
    [401, 'CREDENTIALS', 'changed', /set SUPERCARGO_MANIFEST_CREDENTIALS/],
    [403, 'CREDENTIALS', 'changed', /set SUPERCARGO_MANIFEST_CREDENTIALS/],
    [404, 'MANIFEST_UNREACHABLE', 'later', /^publish a manifest there/],
    [410, 'MANIFEST_UNREACHABLE', 'later', /^publish a manifest there/],
    [429, 'MANIFEST_UNREACHABLE', 'later', /tries again by itself/],
    [500, 'MANIFEST_UNREACHABLE', 'later', /tries again by itself/],
    [503, 'MANIFEST_UNREACHABLE', 'later', /tries again by itself/],
    [204, 'MANIFEST_UNREACHABLE', 'later', /check SUPERCARGO_MANIFEST_URL/],
    [206, 'MANIFEST_UNREACHABLE', 'later', /check SUPERCARGO_MANIFEST_URL/],
    [400, 'MANIFEST_UNREACHABLE', 'later', /check SUPERCARGO_MANIFEST_URL/],
  ] as const)('says what to do about %i', async (status, code, retry, advice) => {
    const { url, requests } = await serve((_, response) => response.writeHead(status).end('body'));
    const fetched = await sourceOf(`${url}?key=secret`)();
    expect(fetched).toMatchObject(failure(code, new RegExp(`manifest.json answered ${status}$`)));
    const error = errorOf(fetched);
    expect([error.retry, error.fields]).toEqual([retry, { status }]);
    expect(error.advice).toMatch(advice);
    expect(JSON.stringify([error, error.message])).not.toContain('secret');
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['seconds', '120', 120_000],
    ['a date that is over', 'Fri, 01 Jan 2021 00:00:00 GMT', 0],
    ['a date far away', 'Fri, 01 Jan 2100 00:00:00 GMT', 3_600_000],
    ['nonsense', 'soon', undefined],
    ['nothing', undefined, undefined],
  ])('hands on how long the server wants to rest: %s', async (_, retryAfter, retryAfterMs) => {
    const { url } = await serve((_request, response) =>
      response.writeHead(503, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end(),
    );
    const fetched = await sourceOf(url)();
    expect(fetched.kind === 'failed' && fetched.retryAfterMs).toBe(retryAfterMs);
  });

  it('says so where nobody listens', async () => {
    const { url, server } = await serve((_, response) => response.end());
    await new Promise((closed) => server.close(closed));
    expect(await sourceOf(url)()).toMatchObject(failure('MANIFEST_UNREACHABLE', /ECONNREFUSED/));
  });

  it('says so where there is no such name', async () => {
    const fetched = await sourceOf('http://manifest.invalid/m.json', {
      timeouts: { connectMs: 1000, responseMs: 1000, requestMs: 3000 },
    })();
    expect(fetched).toMatchObject(failure('MANIFEST_UNREACHABLE', /manifest\.invalid/));
    const error = errorOf(fetched);
    expect(error.advice).toMatch(/DNS/);
  });
});
